package accesstoken

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	"sluice/authn"
	"sluice/authn/internal"
	"sluice/authn/jws"
	"sluice/authn/replay"
)

// Config is what a Verifier needs; every member.
type Config struct {
	Issuer   string // the authorization server's, as in its metadata
	Audience string // one of a token's must be this
	// Authority is the host and port that partners call, for the htu of their
	// proofs. It is asked at each call: it may be known only after listening.
	Authority func() string
	Keys      Keys
	Replay    replay.Store
	Now       func() time.Time
}

// Verifier verifies tokens and proofs. It may be used by many goroutines.
type Verifier struct {
	Config
	ring *ring
	kept *kept
}

// New makes a verifier.
func New(c Config) *Verifier {
	return &Verifier{Config: c, ring: newRing(c.Keys, c.Now), kept: newKept()}
}

var (
	errOtherCertificate = errors.New("the connection's certificate is not the token's")
	errScheme           = errors.New("the scheme is not that of the binding")
	errOtherParty       = errors.New("the certificate is another party's than the token")
)

// Admit verifies what a call of a method shows, e.g. "/package.Service/Method",
// and answers a context that has the token, and its partner as the caller if the
// connection names none. A call that shows nothing is left as it is. Errors are
// *refusal.Error: TOKEN_INVALID, or RECORD_UNAVAILABLE where something could not
// be checked.
func (v *Verifier) Admit(ctx context.Context, method string) (context.Context, error) {
	s, something, err := readShown(ctx)
	if err != nil || !something {
		return ctx, err
	}
	t, err := v.token(ctx, s.token)
	if err != nil {
		return ctx, err
	}
	if err := v.bound(ctx, s, t, method); err != nil {
		return ctx, err
	}
	if caller, ok := authn.FromContext(ctx); ok {
		if partner, is := caller.Partner(); !is || partner != t.partner {
			return ctx, invalid("the access token is of another partner than the certificate", errOtherParty)
		}
	}
	ctx = authn.ByToken(ctx, internal.Proven{Partner: t.partner})
	return context.WithValue(ctx, tokenKey{}, t), nil
}

// bound checks all that a token is bound to.
func (v *Verifier) bound(ctx context.Context, s shown, t Token, method string) error {
	if s.dpop != (t.bound.Key != "") {
		return invalid("a token bound to a key needs the DPoP scheme and a proof; any other the Bearer scheme", errScheme)
	}
	if want := t.bound.Certificate; want != "" {
		have, _ := authn.Thumbprint(ctx)
		if subtle.ConstantTimeCompare([]byte(have), []byte(want)) != 1 {
			return invalid("the access token is bound to another certificate than the connection's", errOtherCertificate)
		}
	}
	if t.bound.Key == "" {
		return nil
	}
	return v.prove(ctx, s, t.bound.Key, "https://"+v.Authority()+method)
}

// token verifies signature and claims, or remembers that it did.
func (v *Verifier) token(ctx context.Context, raw string) (Token, error) {
	key, now := sha256.Sum256([]byte(raw)), v.Now()
	if t, ok := v.kept.find(key, now); ok {
		return t, nil
	}
	t, until, err := v.verify(ctx, raw, now)
	if err != nil {
		return Token{}, err
	}
	v.kept.keep(key, keptToken{token: t, from: now, until: until})
	return t, nil
}

func (v *Verifier) verify(ctx context.Context, raw string, now time.Time) (Token, time.Time, error) {
	none := time.Time{}
	h, err := jws.ReadHeader(raw)
	// The gateway's own tokens have these and nothing else: no key, no place of
	// one, nothing critical.
	if err != nil || len(h) != 3 || h.Text("typ") != tokenType || h.Text("alg") != "ES256" || h.Text("kid") == "" {
		return Token{}, none, invalid(badToken, jws.ErrHeader)
	}
	signer, good, err := v.ring.key(ctx, h.Text("kid"))
	switch {
	case errors.Is(err, errNoKey):
		return Token{}, none, invalid(badToken, err)
	case err != nil:
		return Token{}, none, unavailable(ctx, err)
	}
	var c claims
	if err := jws.Open(raw, signer, &c); err != nil {
		return Token{}, none, invalid(badToken, err)
	}
	if err := c.check(v.Issuer, v.Audience, now); errors.Is(err, errTime) {
		return Token{}, none, invalid("the access token has ended; get a new one with the refresh token", err)
	} else if err != nil {
		return Token{}, none, invalid(badToken, err)
	}
	t, err := c.token()
	if err != nil {
		return Token{}, none, invalid(badToken, err)
	}
	return t, earliest(now.Add(keptFor), c.Expiry.Time(), good), nil
}

func earliest(first time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.Before(first) {
			first = t
		}
	}
	return first
}
