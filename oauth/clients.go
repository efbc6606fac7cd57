package oauth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/authn"
	"sluice/authn/keyset"
	"sluice/consent"
	"sluice/registry"
)

// The scopes. Data needs none: what may be read is what the consent says.
const (
	// ScopeConsents lets a client's own token call partner.v1.ConsentService.
	ScopeConsents = "consents"
	scopeQuery    = "grant_management_query"
	scopeRevoke   = "grant_management_revoke"
	everyScope    = ScopeConsents + " " + scopeQuery + " " + scopeRevoke
)

func scopes() []goidc.Scope {
	return []goidc.Scope{goidc.NewScope(ScopeConsents), goidc.NewScope(scopeQuery), goidc.NewScope(scopeRevoke)}
}

var errReadOnly = errors.New("clients are registered by operators")

// clients are the registered partners, as the library knows clients. A partner
// that is suspended, or has no client, is none; nor is one whose connection has
// the certificate of another party.
type clients struct{ server *Server }

// Client reads a partner.
func (c clients) Client(ctx context.Context, id string) (*goidc.Client, error) {
	who := authn.Identity{Kind: authn.Partner, ID: id}
	cert, uncertified := certificateOf(ctx)
	if !who.Valid() || uncertified == nil && !holds(cert, who) {
		return nil, goidc.ErrNotFound
	}
	p, err := c.server.Parties.Partner(ctx, consent.PartnerID(id))
	if errors.Is(err, registry.ErrNotFound) {
		return nil, goidc.ErrNotFound
	}
	if err != nil {
		return nil, troubled(ctx, fmt.Errorf("read partner: %w", err))
	}
	if p.Standing != registry.Active || p.Client.Authentication == registry.NoAuthentication {
		return nil, goidc.ErrNotFound
	}
	client := &goidc.Client{ID: id, ClientMeta: goidc.ClientMeta{
		Name: p.Name, RedirectURIs: p.Client.RedirectURIs,
		GrantTypes:      []goidc.GrantType{goidc.GrantAuthorizationCode, goidc.GrantRefreshToken, goidc.GrantClientCredentials},
		ResponseTypes:   []goidc.ResponseType{goidc.ResponseTypeCode},
		ScopeIDs:        everyScope,
		AuthDetailTypes: []goidc.AuthDetailType{AccountData},
		PARRequired:     true,
	}}
	if p.Client.Authentication == registry.TLS {
		client.TokenAuthnMethod, client.TLSTokenBindingRequired = goidc.AuthnMethodTLS, true
		// Whose a certificate is stands in its URI name, which the library does not
		// read. It is this partner's, so its subject is what it must be.
		client.TLSSubjectDistinguishedName = "none"
		if uncertified == nil {
			client.TLSSubjectDistinguishedName = cert.Subject.String()
		}
		return client, nil
	}
	client.TokenAuthnMethod = goidc.AuthnMethodPrivateKeyJWT
	return client, c.keys(ctx, client, p.Client)
}

func (c clients) keys(ctx context.Context, client *goidc.Client, of registry.Client) error {
	if of.KeysURL == "" {
		set, err := keyset.Parse([]byte(of.Keys))
		if err != nil {
			return fmt.Errorf("keys of partner: %w", err)
		}
		client.JWKS = &goidc.JSONWebKeySet{Keys: set.Keys}
		return nil
	}
	set, err := c.server.Keys.Keys(ctx, of.KeysURL)
	if err != nil {
		return goidc.WrapError(goidc.ErrorCodeInvalidClient, "the client's keys can't be read from its jwks_url", err)
	}
	client.JWKS = &goidc.JSONWebKeySet{Keys: set.Keys}
	return nil
}

// SaveClient refuses.
func (clients) SaveClient(context.Context, *goidc.Client) error { return errReadOnly }

// DeleteClient refuses.
func (clients) DeleteClient(context.Context, string) error { return errReadOnly }

type certificateKey struct{}

var errNoCertificate = errors.New("no client certificate")

// certificateOf is the verified certificate of a request's connection.
func certificateOf(ctx context.Context) (*x509.Certificate, error) {
	cert, ok := ctx.Value(certificateKey{}).(*x509.Certificate)
	if !ok {
		return nil, errNoCertificate
	}
	return cert, nil
}

func holds(cert *x509.Certificate, who authn.Identity) bool {
	id, err := authn.IdentityOf(cert)
	return err == nil && id == who
}
