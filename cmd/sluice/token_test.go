package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"sluice/authn/accesstoken"
	"sluice/authn/replaytest"
)

type oneKey struct{ key *ecdsa.PublicKey }

func (o oneKey) Public(context.Context) (jose.JSONWebKeySet, error) {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key, KeyID: "k"}}}, nil
}

// What the client shows is what the gateway takes, for every kind and form of key.
func TestWhatTheClientShowsIsWhatTheGatewayTakes(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := (&jose.JSONWebKey{Key: curve}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		key  crypto.Signer
		file []byte
	}{
		"P-256 in PKCS #8":   {curve, pkcs8(t, curve)},
		"P-256 in SEC 1":     {curve, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})},
		"P-256 as JWK":       {curve, jwk},
		"RSA in PKCS #8":     {strong, pkcs8(t, strong)},
		"Ed25519 in PKCS #8": {edwards, pkcs8(t, edwards)},
	} {
		t.Run(name, func(t *testing.T) {
			token, public := issued(t, tt.key.Public())
			shows, err := readShownToken(file(t, []byte(token+"\n")), file(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			verifier := accesstoken.New(accesstoken.Config{
				Issuer: "i", Audience: "a", Authority: func() string { return "127.0.0.1:8443" }, Keys: oneKey{public},
				Replay: &replaytest.Memory{}, Now: time.Now,
			})
			admit := func(ctx context.Context, method string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
				md, _ := metadata.FromOutgoingContext(ctx)
				_, err := verifier.Admit(metadata.NewIncomingContext(t.Context(), md), method)
				return err
			}
			for range 2 { // each call has a proof of its own
				if err := shows.to("127.0.0.1:8443")(t.Context(), "/s/M", nil, nil, nil, admit); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// issued is a token bound to a key, and the public key that it verifies by.
func issued(t *testing.T, bound any) (string, *ecdsa.PublicKey) {
	t.Helper()
	server, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := (&jose.JSONWebKey{Key: bound}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: server, KeyID: "k"}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	token, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "i", "aud": "a", "exp": now + 60, "iat": now, "jti": "j", "sub": "s", "client_id": "messenger", "scope": "consents",
		"cnf": map[string]string{"jkt": base64.RawURLEncoding.EncodeToString(sum)},
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token, &server.PublicKey
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestATokenWithoutItsFilesIsExplained(t *testing.T) {
	token := file(t, []byte("t"))
	for name, tt := range map[string]struct{ token, key, want string }{
		"a key alone":     {"", token, "--dpop-key needs --token"},
		"no key inside":   {token, token, "no private key"},
		"a public key":    {token, file(t, []byte(`{"kty":"EC","crv":"P-256","x":"a","y":"b"}`)), "no private key"},
		"PEM of no key":   {token, file(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), "read PEM"},
		"no such file":    {token + "x", "", "read token"},
		"no such keyfile": {token, token + "x", "read key"},
	} {
		if _, err := readShownToken(tt.token, tt.key); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if s, err := readShownToken("", ""); s != nil || err != nil {
		t.Errorf("nothing shown: %v, %v", s, err)
	}
}
