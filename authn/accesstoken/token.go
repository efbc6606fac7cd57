package accesstoken

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"sluice/authn"
	"sluice/consent"
)

const (
	// Leeway is how far the clocks of replicas may differ.
	Leeway = 5 * time.Second
	// ConsentsScope is the scope of a token for ConsentService alone, of no consent.
	ConsentsScope = "consents"

	tokenType  = "at+jwt" // RFC 9068, 2.1
	detailType = "account_data"
)

var (
	errMissing  = errors.New("a required claim is missing")
	errIssuer   = errors.New("another issuer")
	errAudience = errors.New("another audience")
	errTime     = errors.New("ended, or not begun")
	errUnbound  = errors.New("bound to neither key nor certificate")
	errClient   = errors.New("the client is no partner")
	errDetails  = errors.New("the details are not those of the consent")
)

// Token is an access token that was verified, together with its binding, for one
// call. Only this package makes one; the zero value is nobody's. What it gives
// must not be changed.
type Token struct {
	partner consent.PartnerID
	consent consent.ID
	grant   string
	scopes  []string
	ceiling map[string]consent.Clusters
	bound   confirmation
	ends    time.Time
}

// Partner is whose it is; "" for the zero value.
func (t Token) Partner() consent.PartnerID { return t.partner }

// Consent is the one consent it is of; "" for a token of ConsentsScope.
func (t Token) Consent() consent.ID { return t.consent }

// GrantID is the authorization server's name of what it was issued under.
func (t Token) GrantID() string { return t.grant }

// Ends is when it is over, and with it whatever it opened.
func (t Token) Ends() time.Time { return t.ends }

// Has says whether it has a scope.
func (t Token) Has(scope string) bool { return slices.Contains(t.scopes, scope) }

// Ceiling is what may leave at most: kinds of data, by the partner's ids of
// accounts. It is never nil; what is not in it may not leave.
func (t Token) Ceiling() map[string]consent.Clusters { return t.ceiling }

type tokenKey struct{}

// FromContext is the token of a call that Admit admitted; false if it shows none.
func FromContext(ctx context.Context) (Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(Token)
	return t, ok
}

// confirmation is what a token is bound to (RFC 9449, 6.1, RFC 8705, 3.1).
type confirmation struct {
	Key         string `json:"jkt"`
	Certificate string `json:"x5t#S256"`
}

// claims are a token's, as they stand in it.
type claims struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jwt.Audience     `json:"aud"`
	Expiry    *jwt.NumericDate `json:"exp"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	ID        string           `json:"jti"`
	Client    string           `json:"client_id"`
	Scope     string           `json:"scope"`
	Grant     string           `json:"grant_id"`
	Consent   string           `json:"consent_id"`
	Bound     confirmation     `json:"cnf"`
	Details   []detail         `json:"authorization_details"`
}

// detail is one of a token's authorization details (RFC 9396); only what bounds
// a release is read.
type detail struct {
	Type     string `json:"type"`
	Consent  string `json:"consent_id"`
	Accounts []struct {
		ID       string   `json:"account_id"`
		Clusters []string `json:"data_clusters"`
	} `json:"accounts"`
}

// check says why claims are not good at an instant.
func (c claims) check(issuer, audience string, now time.Time) error {
	switch {
	case c.Subject == "" || c.ID == "" || c.Client == "" || c.Expiry == nil || c.IssuedAt == nil || len(c.Audience) == 0:
		return errMissing // RFC 9068, 2.2
	case c.Issuer != issuer:
		return errIssuer
	case !c.Audience.Contains(audience):
		return errAudience
	case !now.Before(c.Expiry.Time().Add(Leeway)),
		c.IssuedAt.Time().After(now.Add(Leeway)),
		c.NotBefore != nil && c.NotBefore.Time().After(now.Add(Leeway)):
		return errTime
	case c.Bound == (confirmation{}):
		return errUnbound
	case !authn.Identity{Kind: authn.Partner, ID: c.Client}.Valid():
		return errClient
	}
	return nil
}

// token makes a token of claims that are good.
func (c claims) token() (Token, error) {
	t := Token{
		partner: consent.PartnerID(c.Client), consent: consent.ID(c.Consent), grant: c.Grant,
		scopes: strings.Fields(c.Scope), ceiling: map[string]consent.Clusters{}, bound: c.Bound, ends: c.Expiry.Time(),
	}
	if (c.Consent == "") != (len(c.Details) == 0) {
		return Token{}, errDetails
	}
	for _, d := range c.Details {
		if d.Type != detailType || d.Consent != c.Consent {
			return Token{}, errDetails
		}
		for _, a := range d.Accounts {
			t.ceiling[a.ID] |= clusters(a.Clusters)
		}
	}
	return t, nil
}

// clusters reads kinds of data. One that this replica does not know yet can't
// leave through it either.
func clusters(names []string) consent.Clusters {
	var out consent.Clusters
	for _, name := range names {
		if c, ok := consent.ParseCluster(name); ok {
			out |= consent.ClustersOf(c)
		}
	}
	return out
}
