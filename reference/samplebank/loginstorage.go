package samplebank

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signingAlgorithm signs ID tokens, and is what the gateway must sign with.
const signingAlgorithm = jose.ES256

var errNotOffered = errors.New("this bank does not offer that")

// loginStorage is what the library keeps: logins under way, one client, one key.
type loginStorage struct {
	login *login
	key   signingKey
	keys  *gatewayKeys
}

// CreateAuthRequest takes a request whose client, redirect URI, scope and
// response type the library has checked, and checks the rest.
func (s *loginStorage) CreateAuthRequest(ctx context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	switch {
	case r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || len(r.CodeChallenge) != 43:
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with S256 is required")
	case !slices.Contains(r.Scopes, oidc.ScopeOpenID):
		return nil, oidc.ErrInvalidScope().WithDescription("the scope openid is missing")
	case r.Nonce == "" || r.State == "":
		return nil, oidc.ErrInvalidRequest().WithDescription("nonce or state is missing")
	case r.ResponseMode != "" && r.ResponseMode != oidc.ResponseModeQuery:
		return nil, oidc.ErrInvalidRequest().WithDescription("the response mode is not offered")
	case slices.Contains(r.Prompt, oidc.PromptNone):
		// There are no sessions: each login is a fresh one.
		return nil, oidc.ErrLoginRequired()
	}
	v, err := s.login.visits.begin(browserOf(ctx), *r)
	if err != nil {
		return nil, oidc.ErrServerError().WithDescription("%v", err)
	}
	return v, nil
}

// AuthRequestByID finds the login of the browser that asks.
func (s *loginStorage) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	v, err := s.login.visits.open(id, browserOf(ctx))
	if err != nil {
		return nil, err
	}
	return v, nil
}

// AuthRequestByCode redeems a code: it is gone whatever becomes of the request.
func (s *loginStorage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	v, err := s.login.visits.redeem(code)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// SaveAuthCode keeps a login's code.
func (s *loginStorage) SaveAuthCode(_ context.Context, id, code string) error {
	return s.login.visits.code(id, code)
}

// DeleteAuthRequest has nothing left to do: redeeming took it away.
func (s *loginStorage) DeleteAuthRequest(context.Context, string) error { return nil }

// CreateAccessToken answers a token that opens nothing: who logged in stands in
// the ID token.
func (s *loginStorage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), s.login.config.Now().Add(codeLife), nil
}

// GetClientByClientID knows the gateway only.
func (s *loginStorage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.login.config.ClientID {
		return nil, oidc.ErrInvalidClient()
	}
	return gatewayClient{s.login.config}, nil
}

// AuthorizeClientIDSecret refuses: there are no secrets.
func (s *loginStorage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return oidc.ErrInvalidClient()
}

// SetUserinfoFromRequest adds the customer's name to the ID token. The subject must
// be said again: the library takes it from here.
func (s *loginStorage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	info.Subject = r.GetSubject()
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name = nameOf(r.GetSubject())
	}
	return nil
}

// GetKeyByIDAndClientID finds the key that the gateway signed with.
func (s *loginStorage) GetKeyByIDAndClientID(ctx context.Context, kid, client string) (*jose.JSONWebKey, error) {
	if client != s.login.config.ClientID {
		return nil, oidc.ErrInvalidClient()
	}
	return s.keys.key(ctx, kid)
}

// SigningKey signs ID tokens.
func (s *loginStorage) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

// SignatureAlgorithms are the signing key's.
func (s *loginStorage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{signingAlgorithm}, nil
}

// KeySet is the public half of the signing key.
func (s *loginStorage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{s.key}}, nil
}

// Health is always good: nothing is outside of the process.
func (s *loginStorage) Health(context.Context) error { return nil }

// What follows belongs to endpoints that the routes leave out.

// CreateAccessAndRefreshTokens is not offered.
func (s *loginStorage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errNotOffered
}

// TokenRequestByRefreshToken is not offered.
func (s *loginStorage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errNotOffered
}

// TerminateSession is not offered: there are no sessions.
func (s *loginStorage) TerminateSession(context.Context, string, string) error { return errNotOffered }

// RevokeToken is not offered.
func (s *loginStorage) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrUnsupportedGrantType()
}

// GetRefreshTokenInfo is not offered.
func (s *loginStorage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

// SetUserinfoFromScopes is the older form of SetUserinfoFromRequest.
func (s *loginStorage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromToken is not offered.
func (s *loginStorage) SetUserinfoFromToken(context.Context, *oidc.UserInfo, string, string, string) error {
	return errNotOffered
}

// SetIntrospectionFromToken is not offered.
func (s *loginStorage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNotOffered
}

// GetPrivateClaimsFromScopes is for JWT access tokens.
func (s *loginStorage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errNotOffered
}

// ValidateJWTProfileScopes is not offered.
func (s *loginStorage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotOffered
}

type signingKey struct {
	id  string
	key *ecdsa.PrivateKey
}

func newSigningKey() (signingKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signingKey{}, fmt.Errorf("make signing key: %w", err)
	}
	return signingKey{id: rand.Text(), key: key}, nil
}

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return signingAlgorithm }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) ID() string                                  { return k.id }

type publicKey struct{ pair signingKey }

func (k publicKey) ID() string                         { return k.pair.id }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return signingAlgorithm }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return k.pair.key.Public() }
