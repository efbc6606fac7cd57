package keyset_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn/keyset"
)

func ec(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func set(t *testing.T, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestOnlyPublicKeysOfPermittedKindsAreTaken(t *testing.T) {
	private := ec(t, elliptic.P256())
	good := jose.JSONWebKey{Key: private.Public(), KeyID: "a"}
	edPublic, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	endless := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 4096, 1), E: 65537}
	many := make([]jose.JSONWebKey, 11)
	for i := range many {
		many[i] = jose.JSONWebKey{Key: private.Public(), KeyID: strings.Repeat("k", i+1)}
	}
	for name, tc := range map[string]struct {
		raw []byte
		ok  bool
	}{
		"P-256":             {set(t, good), true},
		"Ed25519":           {set(t, jose.JSONWebKey{Key: edPublic, KeyID: "a"}), true},
		"RSA of 2048 bits":  {set(t, jose.JSONWebKey{Key: strong.Public(), KeyID: "a"}), true},
		"two keys":          {set(t, good, jose.JSONWebKey{Key: edPublic, KeyID: "b"}), true},
		"RSA of 1024 bits":  {set(t, jose.JSONWebKey{Key: weak.Public(), KeyID: "a"}), false},
		"RSA without end":   {set(t, jose.JSONWebKey{Key: endless, KeyID: "a"}), false},
		"P-384":             {set(t, jose.JSONWebKey{Key: ec(t, elliptic.P384()).Public(), KeyID: "a"}), false},
		"a private key":     {set(t, jose.JSONWebKey{Key: private, KeyID: "a"}), false},
		"a symmetric key":   {set(t, jose.JSONWebKey{Key: []byte("secret"), KeyID: "a"}), false},
		"no kid":            {set(t, jose.JSONWebKey{Key: private.Public()}), false},
		"one kid twice":     {set(t, good, good), false},
		"for encryption":    {set(t, jose.JSONWebKey{Key: private.Public(), KeyID: "a", Use: "enc"}), false},
		"another algorithm": {set(t, jose.JSONWebKey{Key: private.Public(), KeyID: "a", Algorithm: "RS256"}), false},
		"eleven keys":       {set(t, many...), false},
		"no keys":           {[]byte(`{"keys":[]}`), false},
		"no JSON":           {[]byte(`keys`), false},
		"nothing":           {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keyset.Parse(tc.raw)
			if (err == nil) != tc.ok {
				t.Fatalf("got %v, want ok %t", err, tc.ok)
			}
			if err != nil && !errors.Is(err, keyset.ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
		})
	}
}

func FuzzParseNeverPanicsAndNeverTakesPrivateKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"","y":""}]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := keyset.Parse(raw)
		if err != nil {
			return
		}
		for _, k := range got.Keys {
			if !k.IsPublic() {
				t.Fatal("took a key that is not public")
			}
		}
	})
}
