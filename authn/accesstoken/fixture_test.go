package accesstoken_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc/metadata"

	"sluice/authn/accesstoken"
	"sluice/authn/replaytest"
)

const (
	issuer    = "https://sluice.example"
	audience  = "https://sluice.example/api"
	authority = "gateway.example:8443"
	method    = "/sluice.partner.v1.AccountService/ListBalances"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// object is a JSON object that a test spoils.
type object = map[string]any

// world is an authorization server's key, a partner's keys, and a verifier.
type world struct {
	t        testing.TB
	verifier *accesstoken.Verifier
	replay   *replaytest.Memory
	server   *ecdsa.PrivateKey
	partner  *ecdsa.PrivateKey

	mu       sync.Mutex
	now      time.Time
	ring     jose.JSONWebKeySet
	ringErr  error
	readings int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, replay: &replaytest.Memory{}, server: newKey(t), partner: newKey(t), now: noon}
	w.ring.Keys = []jose.JSONWebKey{{Key: &w.server.PublicKey, KeyID: "k1", Algorithm: "ES256", Use: "sig"}}
	w.verifier = w.another()
	return w
}

// another is a second replica's verifier, which shares the store of uses.
func (w *world) another() *accesstoken.Verifier {
	return accesstoken.New(accesstoken.Config{
		Issuer: issuer, Audience: audience, Authority: func() string { return authority },
		Keys: w, Replay: w.replay, Now: w.clock,
	})
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Public is the ring.
func (w *world) Public(context.Context) (jose.JSONWebKeySet, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readings++
	return w.ring, w.ringErr
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// sign makes a JWS with any header, by hand, so that it can be a wrong one. key
// decides how: a private key, bytes for HMAC, or nil for no signature.
func sign(t testing.TB, header, claims any, key any) string {
	t.Helper()
	input := b64(marshal(t, header)) + "." + b64(marshal(t, claims))
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch k := key.(type) {
	case nil:
	case []byte:
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(input))
		signature = mac.Sum(nil)
	case *ecdsa.PrivateKey:
		r, s, failed := ecdsa.Sign(rand.Reader, k, sum[:])
		if failed != nil {
			t.Fatal(failed)
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		signature, err = rsa.SignPSS(rand.Reader, k, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, []byte(input))
	default:
		t.Fatalf("no such key: %T", key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(signature)
}

func publicJWK(t testing.TB, key any) object {
	t.Helper()
	var out object
	raw, err := (&jose.JSONWebKey{Key: key}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func thumbprint(t testing.TB, key any) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return b64(sum)
}

func tokenHeader() object { return object{"typ": "at+jwt", "alg": "ES256", "kid": "k1"} }

// tokenClaims are those of a good token, bound to the partner's key.
func (w *world) tokenClaims() object {
	now := w.clock().Unix()
	return object{
		"iss": issuer, "aud": audience, "exp": now + 300, "iat": now, "jti": rand.Text(), "sub": "sub_x",
		"client_id": "messenger", "scope": "accounts offline", "grant_id": "gra_1", "consent_id": "con_1",
		"cnf": object{"jkt": thumbprint(w.t, &w.partner.PublicKey)},
		"authorization_details": []any{object{
			"type": "account_data", "bank": "morava", "consent_id": "con_1", "purpose": "ACCOUNT_OVERVIEW",
			"accounts": []any{
				object{"account_id": "acc_1", "data_clusters": []string{"BALANCES", "TRANSACTIONS_DETAILED"}},
				object{"account_id": "acc_2", "data_clusters": []string{"BALANCES"}},
			},
		}},
	}
}

func (w *world) token(but ...func(object)) string {
	claims := w.tokenClaims()
	for _, f := range but {
		f(claims)
	}
	return sign(w.t, tokenHeader(), claims, w.server)
}

func (w *world) proofHeader() object {
	return object{"typ": "dpop+jwt", "alg": "ES256", "jwk": publicJWK(w.t, &w.partner.PublicKey)}
}

func (w *world) proofClaims(token string) object {
	ath := sha256.Sum256([]byte(token))
	return object{
		"jti": rand.Text(), "htm": "POST", "htu": "https://" + authority + method, "iat": w.clock().Unix(), "ath": b64(ath[:]),
	}
}

func (w *world) proof(token string, but ...func(object)) string {
	claims := w.proofClaims(token)
	for _, f := range but {
		f(claims)
	}
	return sign(w.t, w.proofHeader(), claims, w.partner)
}

// set is a change to one member; nil takes it away.
func set(name string, to any) func(object) {
	return func(o object) {
		if to == nil {
			delete(o, name)
			return
		}
		o[name] = to
	}
}

func with(o object, name string, to any) object {
	out := maps.Clone(o)
	set(name, to)(out)
	return out
}

// headers are a call's.
func (w *world) headers(pairs ...string) context.Context {
	return metadata.NewIncomingContext(w.t.Context(), metadata.Pairs(pairs...))
}

func (w *world) dpop(token, proof string) context.Context {
	return w.headers("authorization", "DPoP "+token, "dpop", proof)
}

func (w *world) admit(ctx context.Context) (accesstoken.Token, error) {
	ctx, err := w.verifier.Admit(ctx, method)
	token, ok := accesstoken.FromContext(ctx)
	if ok != (err == nil) {
		w.t.Errorf("the context has a token: %t; error: %v", ok, err)
	}
	return token, err
}

var errDown = errors.New("it is down")

// secrets are the parts of what was shown that must stand nowhere else.
func secrets(shown ...string) []string {
	var out []string
	for _, s := range shown {
		for part := range strings.SplitSeq(s, ".") {
			if len(part) > 16 {
				out = append(out, part)
			}
		}
	}
	return out
}

// pem of a public key, as a confused verifier would use it for HMAC.
func der(t testing.TB, key any) []byte {
	t.Helper()
	raw, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
