package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"

	"sluice/authn/keyset"
	"sluice/authn/replay"
	"sluice/consent"
	"sluice/registry"
	"sluice/seal"
)

const (
	codeLifetime    = 60       // seconds; FAPI 2.0, 5.3.2.1
	requestLifetime = 540      // seconds; below FAPI's 600, and a person may have to follow a link
	sessionLifetime = 60 * 60  // seconds; as long as a consent may be asked for
	tokenLifetime   = 5 * 60   // seconds
	assertionAge    = 5 * 60   // seconds; of client assertions
	skew            = 10       // seconds
	maxBody         = 64 << 10 // bytes
	maxLocales      = 200      // bytes
	replayWindow    = 2 * assertionAge * time.Second
)

// Parties knows the partners and banks.
type Parties interface {
	Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error)
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
}

// Names are the partner's names of what is the bank's.
type Names interface {
	Account(partner consent.PartnerID, bank consent.BankID, account consent.AccountID) string
	Customer(partner consent.PartnerID, bank consent.BankID, customer consent.CustomerID) string
}

// Visitors knows whom the customer's pages have logged in.
type Visitors interface {
	// Present says whether a browser is logged in as a bank's customer.
	Present(r *http.Request, bank consent.BankID, customer consent.CustomerID) (bool, error)
}

// Ring is the keys that tokens are signed with.
type Ring interface {
	Private(ctx context.Context) (jose.JSONWebKeySet, error)
}

// Keys reads a partner's public keys from its address.
type Keys interface {
	Keys(ctx context.Context, address string) (jose.JSONWebKeySet, error)
}

// Fault shows a person that a request can't go on. It is given only what may be
// told.
type Fault func(w http.ResponseWriter, r *http.Request, status int)

// Config is what a Server is made of; every member is needed.
type Config struct {
	Issuer   string // https://host[:port], as the outside sees it
	MTLS     string // the same for connections with a certificate
	Audience string // of access tokens
	AskPage  string // path below which the customer is asked; the session's id is appended
	Book     *consent.Book
	Parties  Parties
	Names    Names
	Visitors Visitors
	Ring     Ring
	Keys     Keys
	Replays  replay.Store
	Store    Store
	Sealer   *seal.Sealer
	HashKey  []byte // for looking codes and refresh tokens up
	Fault    Fault
	Log      *slog.Logger
	Now      func() time.Time
}

// Server is the authorization server. It may be used by many goroutines.
type Server struct {
	Config
	protocol http.Handler
	provider *provider.Provider
	state    *state
}

// New makes a server. It fails if the configuration does not keep to the profile.
func New(c Config) (*Server, error) {
	for _, address := range []string{c.Issuer, c.MTLS} {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" {
			return nil, fmt.Errorf("authorization server: %q is not https://host[:port]", address) //nolint:err113 // for a person
		}
	}
	if len(c.HashKey) < seal.KeySize {
		return nil, fmt.Errorf("authorization server: the key of hashes has %d bytes, want %d", len(c.HashKey), seal.KeySize) //nolint:err113 // for a person
	}
	s := &Server{Config: c}
	s.state = &state{store: c.Store, seal: c.Sealer, hashKey: c.HashKey, now: c.Now, present: s.present}
	op, err := provider.New(provider.Config{
		Issuer: c.Issuer, Manager: s.state, JWKS: s.jwks, IDTokenAlgs: []goidc.SignatureAlgorithm{goidc.SigAlgES256},
	}, s.options()...)
	if err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	s.provider, s.protocol = op, op.Handler()
	return s, nil
}

func (s *Server) options() []provider.Option {
	algorithms := keyset.Algorithms()
	return []provider.Option{
		provider.WithProfile(goidc.ProfileFAPI2, provider.WithProfileValidation()),
		provider.WithScopes(scopes()...),
		provider.WithPrivateKeyJWTAuthn(algorithms...),
		provider.WithMTLS(provider.MTLSConfig{Host: s.MTLS, ClientCert: certificateOf}, provider.WithMTLSTokenBinding()),
		provider.WithTLSAuthn(),
		provider.WithDPoP(algorithms),
		provider.WithTokenBindingRequired(),
		provider.WithAuthCodeGrant(
			provider.AuthCodeGrantConfig{Manager: s.state, ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode}},
			provider.WithAuthCodeLifetime(codeLifetime), provider.WithAuthCodeFunc(random("cod_")),
			provider.WithPAR(s.state, provider.WithPARRequired(), provider.WithPARLifetime(requestLifetime),
				provider.WithPARSessionHandler(s.pushed), provider.WithPARIDFunc(random("req_"))),
			provider.WithPKCE([]goidc.CodeChallengeMethod{goidc.CodeChallengeMethodSHA256}, provider.WithPKCERequired()),
			provider.WithIssuerResponseParameter(),
			provider.WithAuthPolicies(goidc.NewPolicy("consent", bindBrowser, s.decide)),
		),
		provider.WithAuthSessionLifetime(sessionLifetime), provider.WithAuthnSessionIDFunc(random("ask_")),
		// FAPI 2.0, 5.3.2.1: refresh tokens are not rotated; they are bound to the client.
		provider.WithRefreshTokenGrant(s.state, provider.WithRefreshTokenFunc(random("ref_")),
			provider.WithRefreshTokenShouldIssue(func(context.Context, *goidc.Client, *goidc.Grant) bool { return true })),
		provider.WithClientCredentialsGrant(),
		provider.WithGrantIDFunc(random("gra_")), provider.WithJWTIDFunc(random("tok_")),
		provider.WithRAR([]goidc.AuthDetailType{AccountData}, provider.WithRARDetailsComparator(withinGranted)),
		provider.WithTokenOptions(func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
			return goidc.NewJWTTokenOptions(goidc.SigAlgES256, tokenLifetime)
		}),
		provider.WithTokenClaims(s.claims),
		provider.WithGrantHandler(s.granted),
		provider.WithTokenIntrospection(func(_ context.Context, c *goidc.Client, t goidc.TokenInfo) bool { return t.ClientID == c.ID }),
		provider.WithTokenRevocation(func(context.Context, *goidc.Client) bool { return true }, provider.WithTokenRevocationRevokeGrantOnAccessToken()),
		provider.WithDCR(clients{s}),
		provider.WithJTIConsumer(s.useOnce), provider.WithJWTLifetime(assertionAge), provider.WithJWTLeewayTime(skew),
		provider.WithErrorRenderer(s.render), provider.WithErrorHandler(s.failed),
	}
}

func (s *Server) jwks(ctx context.Context) (goidc.JSONWebKeySet, error) {
	set, err := s.Ring.Private(ctx)
	if err != nil {
		return goidc.JSONWebKeySet{}, troubled(ctx, err)
	}
	return goidc.JSONWebKeySet{Keys: set.Keys}, nil
}

// useOnce lets the id of a client assertion or a proof pass once, on any replica.
func (s *Server) useOnce(ctx context.Context, jti string) error {
	fresh, err := s.Replays.Use(ctx, replay.Key("oauth", "", jti), s.Now().Add(replayWindow))
	if err != nil {
		return troubled(ctx, fmt.Errorf("note a proof: %w", err))
	}
	if !fresh {
		return errReplayed
	}
	return nil
}

var errReplayed = errors.New("the jti was used before")

// render shows a person that an authorization request can't go on. The library
// has written down why.
func (s *Server) render(w http.ResponseWriter, r *http.Request, err error) error {
	if held, ok := w.(*answer); ok {
		*held = *newAnswer()
	}
	s.Fault(w, r, faultOf(r.Context(), err))
	return nil
}

func faultOf(ctx context.Context, err error) int {
	var known goidc.Error
	switch {
	case troubleOf(ctx) != nil:
		return http.StatusServiceUnavailable
	case errors.As(err, &known):
		return http.StatusBadRequest
	case errors.Is(err, goidc.ErrNotFound): // the client, since it began
		return http.StatusForbidden
	default:
		return http.StatusServiceUnavailable
	}
}

// failed writes down what went wrong. The library's errors hold no tokens or
// codes, but may hold what a client sent, at any length.
func (s *Server) failed(ctx context.Context, err error) {
	blamed(ctx, err)
	level := slog.LevelInfo
	var known goidc.Error
	if !errors.As(err, &known) {
		level = slog.LevelError
	}
	s.Log.LogAttrs(ctx, level, "authorization refused", slog.String("error", fmt.Sprintf("%.300s", err.Error())))
}

// Tend forgets what has long expired.
func (s *Server) Tend(ctx context.Context) error {
	if err := s.Store.Forget(ctx, s.Now().Add(-time.Hour)); err != nil {
		return fmt.Errorf("forget requests: %w", err)
	}
	return nil
}
