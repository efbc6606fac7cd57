package banklogin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"sluice/consent"
)

const (
	// skew is how far the bank's clock may differ from ours.
	skew          = time.Minute
	assertionLife = time.Minute
	maxCode       = 4096
	maxName       = 80
)

// Finish says who came back. Each Pending is for one try: the caller forgets it
// first. Its errors wrap ErrRefused, ErrCancelled, ErrUnavailable or ErrNoLogin;
// nothing that came from outside stands in their texts.
func (r *Relying) Finish(ctx context.Context, p Pending, came url.Values) (Customer, error) {
	age := r.config.Now().Sub(p.At)
	if p.State == "" || p.Nonce == "" || p.Verifier == "" || age > PendingLife || age < -skew {
		return Customer{}, refused("it took too long")
	}
	back, err := readReturn(came)
	if err != nil {
		return Customer{}, err
	}
	if !same(back.state, p.State) {
		return Customer{}, refused("another login came back")
	}
	a, err := r.login(ctx, p.Bank)
	if err != nil {
		return Customer{}, err
	}
	// RFC 9207, 2.4.
	if back.issuer != a.Issuer && (back.issuer != "" || a.saysIssuer) {
		return Customer{}, refused("another bank answered")
	}
	if back.failed != "" {
		return Customer{}, ended(back.failed)
	}
	raw, err := r.redeem(ctx, a, p, back.code)
	if err != nil {
		return Customer{}, err
	}
	return r.verify(ctx, a, p, raw)
}

func refused(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }

// ended reads an error of the authorization endpoint (RFC 6749, 4.1.2.1).
func ended(code string) error {
	switch code {
	case "access_denied", "login_required", "interaction_required":
		return ErrCancelled
	case "server_error", "temporarily_unavailable":
		return fmt.Errorf("%w: it said so", ErrUnavailable)
	default:
		return refused("the bank did not take the request")
	}
}

// comeBack is what the customer's browser brings from the bank.
type comeBack struct {
	state, issuer, code, failed string
}

// readReturn takes each parameter once, and a code or an error, not both.
func readReturn(came url.Values) (comeBack, error) {
	for _, name := range []string{"state", "iss", "code", "error"} {
		if len(came[name]) > 1 {
			return comeBack{}, refused("a parameter came twice")
		}
	}
	b := comeBack{state: came.Get("state"), issuer: came.Get("iss"), code: came.Get("code"), failed: came.Get("error")}
	if (b.code == "") == (b.failed == "") || len(b.code) > maxCode {
		return comeBack{}, refused("there is no answer")
	}
	return b, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// redeem gets the ID token for the code. Nothing of the bank's answer stands in
// an error: it could hold a token.
func (r *Relying) redeem(ctx context.Context, a at, p Pending, code string) (string, error) {
	assertion, err := r.assertion(ctx, a)
	if err != nil {
		return "", err
	}
	token, err := r.oauth(a).Exchange(oidc.ClientContext(ctx, r.config.Client), code, oauth2.VerifierOption(p.Verifier),
		oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
		oauth2.SetAuthURLParam("client_assertion", assertion))
	var answered *oauth2.RetrieveError
	switch {
	case errors.As(err, &answered) && answered.Response.StatusCode/100 == 4:
		return "", refused("the bank did not take its own code")
	case errors.As(err, &answered):
		return "", fmt.Errorf("%w: its token endpoint answered %d", ErrUnavailable, answered.Response.StatusCode)
	case err != nil:
		return "", unreachable("redeem code", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return "", refused("the bank did not say who it is")
	}
	return raw, nil
}

// assertion is the gateway's proof of itself (RFC 7523), for this bank alone.
func (r *Relying) assertion(ctx context.Context, a at) (string, error) {
	key, err := r.config.Key.Signing(ctx)
	if err != nil {
		return "", fmt.Errorf("find signing key: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("use signing key: %w", err)
	}
	now := r.config.Now()
	// The audience is the issuer and no endpoint, so that no other party can use it.
	out, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: a.ClientID, Subject: a.ClientID, Audience: jwt.Audience{a.Issuer}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(assertionLife)),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	return out, nil
}

// verify believes an ID token only if everything about it fits this login.
func (r *Relying) verify(ctx context.Context, a at, p Pending, raw string) (Customer, error) {
	keys := &watched{KeySet: a.keys}
	token, err := oidc.NewVerifier(a.Issuer, keys, &oidc.Config{
		ClientID: a.ClientID, SupportedSigningAlgs: algorithms(), Now: r.config.Now,
	}).Verify(ctx, raw)
	switch {
	case errors.Unwrap(keys.err) != nil: // they could not be read; a wrong signature wraps nothing
		return Customer{}, unreachable("read keys", keys.err)
	case err != nil:
		return Customer{}, refused("its ID token is not good")
	}
	var claims struct {
		AuthTime   *int64 `json:"auth_time"`
		Authorized string `json:"azp"`
		Name       string `json:"name"`
	}
	if err := token.Claims(&claims); err != nil {
		return Customer{}, refused("its ID token is malformed")
	}
	now := r.config.Now()
	switch {
	case !same(token.Nonce, p.Nonce):
		return Customer{}, refused("its ID token is for another login")
	case claims.Authorized != "" && claims.Authorized != a.ClientID, len(token.Audience) != 1:
		return Customer{}, refused("its ID token is for others too")
	case token.IssuedAt.Before(p.At.Add(-skew)) || token.IssuedAt.After(now.Add(skew)):
		return Customer{}, refused("its ID token is not of this moment")
	case claims.AuthTime == nil:
		return Customer{}, refused("the bank does not say when the customer logged in")
	case !nameable(token.Subject):
		return Customer{}, refused("its ID token names nobody")
	}
	authenticated := time.Unix(*claims.AuthTime, 0).UTC()
	if authenticated.Before(p.At.Add(-skew)) || authenticated.After(now.Add(skew)) {
		return Customer{}, refused("the customer did not log in just now")
	}
	return Customer{Bank: p.Bank, ID: consent.CustomerID(token.Subject), Name: shown(claims.Name), AuthenticatedAt: authenticated}, nil
}

// algorithms are what a bank may sign with (FAPI 2.0, 5.4).
func algorithms() []string { return []string{oidc.ES256, oidc.PS256, oidc.EdDSA} }

// nameable says whether a subject can stand as a customer in a consent.
func nameable(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= consent.MaxNameLength && printable(s)
}

// shown is a name that can be shown, or nothing.
func shown(s string) string {
	if utf8.RuneCountInString(s) > maxName || !printable(s) {
		return ""
	}
	return s
}

func printable(s string) bool {
	return utf8.ValidString(s) && !slices.ContainsFunc([]rune(s), func(r rune) bool { return !unicode.IsPrint(r) })
}
