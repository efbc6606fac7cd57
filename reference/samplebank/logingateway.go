package samplebank

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// gatewayClient is the gateway as the library sees it.
type gatewayClient struct{ config LoginConfig }

func (c gatewayClient) GetID() string                       { return c.config.ClientID }
func (c gatewayClient) RedirectURIs() []string              { return slices.Clone(c.config.RedirectURIs) }
func (c gatewayClient) PostLogoutRedirectURIs() []string    { return nil }
func (c gatewayClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c gatewayClient) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodPrivateKeyJWT }
func (c gatewayClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c gatewayClient) GrantTypes() []oidc.GrantType { return []oidc.GrantType{oidc.GrantTypeCode} }

func (c gatewayClient) LoginURL(id string) string           { return "/login?id=" + url.QueryEscape(id) }
func (c gatewayClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c gatewayClient) IDTokenLifetime() time.Duration      { return tokenLife }
func (c gatewayClient) DevMode() bool                       { return false }
func (c gatewayClient) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c gatewayClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}
func (c gatewayClient) IsScopeAllowed(string) bool           { return false }
func (c gatewayClient) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c gatewayClient) ClockSkew() time.Duration             { return 0 }

const (
	keysFresh = 5 * time.Minute
	keysRetry = 2 * time.Second // not more often, however many unknown keys come
	maxKeys   = 64 << 10
)

var errNoKey = errors.New("the gateway has no such key")

// gatewayKeys are the gateway's public keys, read from its address.
type gatewayKeys struct {
	client *http.Client
	url    string
	now    func() time.Time

	mu        sync.Mutex
	set       jose.JSONWebKeySet
	at, asked time.Time
}

// newGatewayKeys reads through a copy of the client that follows no redirects.
func newGatewayKeys(c LoginConfig) *gatewayKeys {
	client := *c.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Timeout == 0 {
		client.Timeout = 5 * time.Second
	}
	return &gatewayKeys{client: &client, url: c.JWKSURL, now: c.Now}
}

// key finds a key; one that is not known makes it ask the gateway again.
func (g *gatewayKeys) key(ctx context.Context, kid string) (*jose.JSONWebKey, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	key, known := signing(g.set, kid)
	if known && now.Sub(g.at) < keysFresh {
		return key, nil
	}
	if now.Sub(g.asked) < keysRetry {
		return nil, errNoKey
	}
	g.asked = now
	set, err := g.fetch(context.WithoutCancel(ctx)) // whoever asks first may leave
	if err != nil {
		return nil, fmt.Errorf("read the gateway's keys: %w", err)
	}
	g.set, g.at = set, now
	if key, known = signing(set, kid); !known {
		return nil, errNoKey
	}
	return key, nil
}

// signing finds the one ES256 key with this id.
func signing(set jose.JSONWebKeySet, kid string) (*jose.JSONWebKey, bool) {
	found := set.Key(kid)
	if kid == "" || len(found) != 1 {
		return nil, false
	}
	public, ok := found[0].Key.(*ecdsa.PublicKey)
	return &found[0], ok && public.Params().BitSize == 256 && (found[0].Use == "" || found[0].Use == "sig")
}

func (g *gatewayKeys) fetch(ctx context.Context) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url, nil)
	if err != nil {
		return set, fmt.Errorf("ask: %w", err)
	}
	resp, err := g.client.Do(r)
	if err != nil {
		return set, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it has been read
	if resp.StatusCode != http.StatusOK {
		return set, fmt.Errorf("the address answered %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxKeys)).Decode(&set); err != nil {
		return set, fmt.Errorf("read: %w", err)
	}
	return set, nil
}
