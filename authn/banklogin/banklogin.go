package banklogin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

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
	config Config
}

// New makes a Relying.
func New(c Config) *Relying { return &Relying{config: c} }

// Begin starts a login: the address to send the customer to, and what Finish
// needs. The locale, a BCP 47 tag or empty, is what the bank should speak.
func (r *Relying) Begin(ctx context.Context, bank consent.BankID, locale string) (string, Pending, error) {
	return "", Pending{}, ErrUnavailable
}

// Finish says who came back. Its errors wrap ErrRefused, ErrCancelled,
// ErrUnavailable or ErrNoLogin.
func (r *Relying) Finish(ctx context.Context, p Pending, came url.Values) (Customer, error) {
	return Customer{}, ErrUnavailable
}
