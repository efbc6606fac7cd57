package samplebank

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	// Password is that of every sample customer.
	Password = "demo"
	// Code is the second factor of every sample customer: for show.
	Code = "000000"
)

const (
	loginLife    = 10 * time.Minute // to log in, from the gateway's request on
	codeLife     = time.Minute
	tokenLife    = 5 * time.Minute
	maxForm      = 64 << 10
	maxQuery     = 8 << 10
	cookiePrefix = "__Host-bank-"
)

// LoginConfig is what a bank's login needs to know of the gateway and of itself.
type LoginConfig struct {
	Issuer       string   // https://host:port, as everybody reaches the login
	ClientID     string   // the gateway's at this bank
	RedirectURIs []string // where the gateway takes customers back; exact
	JWKSURL      string   // the gateway's public keys
	HTTPClient   *http.Client
	Now          func() time.Time
}

func (c LoginConfig) check() error {
	for _, address := range append([]string{c.Issuer, c.JWKSURL}, c.RedirectURIs...) {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			return fmt.Errorf("%q is no address of https://", address)
		}
	}
	switch {
	case c.ClientID == "" || len(c.RedirectURIs) == 0:
		return errors.New("the gateway's client id and redirect URI are missing")
	case c.HTTPClient == nil || c.Now == nil:
		return errors.New("an HTTP client or a clock is missing")
	}
	return nil
}

// login is the bank's OpenID provider: the library's, kept to what a bank needs,
// and the page where customers log in.
type login struct {
	config   LoginConfig
	bank     *Bank
	visits   *visits
	attempts *attempts
	provider *op.Provider
	example  string // a customer to try
	cookie   string
	policy   string // Content-Security-Policy
}

// NewLogin makes the login of a bank's customers: an OpenID provider for one
// relying party, the gateway, to be served over TLS at the issuer's address.
// Everything is in memory: a restart ends logins under way and makes a new key.
func NewLogin(bank *Bank, c LoginConfig) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("login of %s: %w", bank.Name(), err)
	}
	key, err := newSigningKey()
	if err != nil {
		return nil, fmt.Errorf("login of %s: %w", bank.Name(), err)
	}
	l := &login{
		config: c, bank: bank, visits: newVisits(c.Now), attempts: newAttempts(c.Now), example: bank.example(),
		cookie: cookiePrefix + banks[bank.bank].id, policy: policyFor(c.RedirectURIs),
	}
	store := &loginStorage{login: l, key: key, keys: newGatewayKeys(c)}
	config := &op.Config{CodeMethodS256: true, AuthMethodPrivateKeyJWT: true}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	l.provider, err = op.NewProvider(config, store, op.StaticIssuer(c.Issuer), op.WithCORSOptions(nil))
	if err != nil {
		return nil, fmt.Errorf("login of %s: %w", bank.Name(), err)
	}
	return l.routes(), nil
}

// routes are all there is: of the library's endpoints, those of the code flow.
func (l *login) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", l.metadata)
	mux.Handle("GET /keys", l.provider)
	mux.Handle("GET /authorize", l.bound(l.withIssuer(l.provider)))
	mux.Handle("GET /authorize/callback", l.bound(l.withIssuer(l.provider)))
	mux.Handle("POST /oauth/token", codeOnly(l.provider))
	mux.Handle("GET /login", l.bound(http.HandlerFunc(l.show)))
	mux.Handle("POST /login", l.bound(http.HandlerFunc(l.enter)))
	mux.HandleFunc("GET /login.css", style)
	return l.hardened(http.NewCrossOriginProtection().Handler(mux))
}

// hardened sets what each answer carries, and bounds what each call may send.
func (l *login) hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", l.policy)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if len(r.URL.RawQuery) > maxQuery {
			http.Error(w, "the address is too long", http.StatusRequestURITooLong)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// policyFor permits the page its style and its form, whose answer leads back to
// the gateway: browsers hold redirects after a form to form-action too.
func policyFor(redirects []string) string {
	targets := []string{"'self'"}
	for _, r := range redirects {
		if u, err := url.Parse(r); err == nil {
			targets = append(targets, "https://"+u.Host)
		}
	}
	return "default-src 'none'; style-src 'self'; form-action " + strings.Join(targets, " ") + "; base-uri 'none'; frame-ancestors 'none'"
}

type browserKey struct{}

// bound gives each browser a secret of its own; a login that one began, no other
// can go on with.
func (l *login) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var secret string
		if c, err := r.Cookie(l.cookie); err == nil && len(c.Value) >= len(rand.Text()) {
			secret = c.Value
		} else {
			secret = rand.Text()
			http.SetCookie(w, &http.Cookie{
				Name: l.cookie, Value: secret, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), browserKey{}, sha256.Sum256([]byte(secret)))))
	})
}

// browserOf is the browser a call came from; the zero value owns no login.
func browserOf(ctx context.Context) [sha256.Size]byte {
	b, _ := ctx.Value(browserKey{}).([sha256.Size]byte)
	return b
}

// codeOnly keeps the token endpoint to authorization codes: the library would
// also take JWTs as grants.
func codeOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
			oauthError(w, "invalid_request")
			return
		}
		for _, values := range r.PostForm {
			if len(values) > 1 { // RFC 6749, 3.2
				oauthError(w, "invalid_request")
				return
			}
		}
		if r.PostForm.Get("grant_type") != "authorization_code" {
			oauthError(w, "unsupported_grant_type")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func oauthError(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"error":"` + code + `"}`))
}
