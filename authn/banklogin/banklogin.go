package banklogin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"sluice/consent"
	"sluice/registry"
)

// PendingLife is how long a customer may take to log in.
const PendingLife = 10 * time.Minute

// ErrRefused means that the customer could not be told to be who they say: the
// login did not come back as it should. Logging in anew may help.
var ErrRefused = errors.New("the login was not accepted")

// ErrCancelled means that the customer, or the bank, ended the login.
var ErrCancelled = errors.New("the login was ended at the bank")

// ErrUnavailable means that the bank's login did not answer, or not in time.
var ErrUnavailable = errors.New("the bank's login is unavailable")

// ErrNoLogin means that the bank has no login, or may not take part.
var ErrNoLogin = errors.New("the bank has no login")

// Banks knows how banks log their customers in.
type Banks interface {
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
}

// Signer has the private key that the gateway signs with.
type Signer interface {
	Signing(ctx context.Context) (jose.JSONWebKey, error)
}

// Config is what a Relying needs.
type Config struct {
	Banks    Banks
	Redirect string // the absolute address that the customer comes back to
	Key      Signer
	// Client reaches the banks; its timeout and its dialler's rules are kept.
	// keyset.NewClient makes one that can't be led astray.
	Client *http.Client
	Now    func() time.Time
}

// Pending is a login that has begun. It is for the browser's own session: whoever
// has it can finish the login in another's place.
type Pending struct {
	Bank     consent.BankID `json:"bank"`
	State    string         `json:"state"`
	Nonce    string         `json:"nonce"`
	Verifier string         `json:"verifier"`
	At       time.Time      `json:"at"`
}

// Customer is somebody whom their bank has just logged in.
type Customer struct {
	Bank            consent.BankID
	ID              consent.CustomerID
	Name            string // as the bank says it; for showing to themselves
	AuthenticatedAt time.Time
}

// Relying is the gateway as a relying party of all banks. It may be used by many
// goroutines.
type Relying struct {
	config    Config
	providers *providers
}

// New makes a Relying.
func New(c Config) *Relying {
	c.Client = bounded(c.Client)
	return &Relying{config: c, providers: newProviders(c.Client, c.Now)}
}

var localeForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)

// Begin starts a login: the address to send the customer to, and what Finish
// needs. The locale, a BCP 47 tag or empty, is what the bank should speak; one
// that is malformed is left out. Its errors wrap ErrNoLogin or ErrUnavailable.
func (r *Relying) Begin(ctx context.Context, bank consent.BankID, locale string) (string, Pending, error) {
	at, err := r.login(ctx, bank)
	if err != nil {
		return "", Pending{}, err
	}
	p := Pending{
		Bank: bank, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), At: r.config.Now().UTC(),
	}
	options := []oauth2.AuthCodeOption{
		oauth2.S256ChallengeOption(p.Verifier), oidc.Nonce(p.Nonce),
		// A fresh login each time; max_age makes the bank say when it was.
		oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"),
	}
	if localeForm.MatchString(locale) {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", locale))
	}
	return r.oauth(at).AuthCodeURL(p.State, options...), p, nil
}

// at is one bank's login: who we are there, and how it works.
type at struct {
	registry.Login
	*provider
}

// login finds a bank's login.
func (r *Relying) login(ctx context.Context, id consent.BankID) (at, error) {
	b, err := r.config.Banks.Bank(ctx, id)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return at{}, fmt.Errorf("%w: %w", ErrNoLogin, err)
	case err != nil:
		return at{}, fmt.Errorf("look up bank: %w", err)
	case b.Standing != registry.Active || b.Login.Issuer == "" || b.Login.ClientID == "":
		return at{}, ErrNoLogin
	}
	p, err := r.providers.find(ctx, b.Login.Issuer)
	if err != nil {
		return at{}, err
	}
	return at{Login: b.Login, provider: p}, nil
}

func (r *Relying) oauth(a at) *oauth2.Config {
	endpoint := a.oidc.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{
		ClientID: a.ClientID, Endpoint: endpoint, RedirectURL: r.config.Redirect, Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}
