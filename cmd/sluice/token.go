package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// shownToken is the access token that a partner shows, and the key it is bound
// to if it is bound to one.
type shownToken struct {
	token string
	key   any // nil: it is bound to a certificate
}

// readShownToken reads the files of a token and a key; nil if there are none.
func readShownToken(token, key string) (*shownToken, error) {
	if token == "" && key != "" {
		return nil, errors.New("--dpop-key needs --token: a proof is made for a token")
	}
	if token == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(token)
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	s := &shownToken{token: strings.TrimSpace(string(raw))}
	if key == "" {
		return s, nil
	}
	if raw, err = os.ReadFile(key); err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if s.key, err = privateKey(raw); err != nil {
		return nil, fmt.Errorf("read key %s: %w", key, err)
	}
	return s, nil
}

// privateKey reads a key in PEM (PKCS #8 or SEC 1) or as a JWK.
func privateKey(raw []byte) (any, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		var jwk jose.JSONWebKey
		if err := jwk.UnmarshalJSON(raw); err != nil || jwk.IsPublic() {
			return nil, errors.New("it holds no private key in PEM or as a JWK")
		}
		return jwk.Key, nil
	}
	if block.Type == "EC PRIVATE KEY" {
		key, err := x509.ParseECPrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read PEM: %w", err)
		}
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read PEM: %w", err)
	}
	return key, nil
}

// to shows the token in each call to the gateway at an address, with a proof made
// for that call (RFC 9449, 4.2).
func (s *shownToken) to(address string) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if s.key == nil {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.token)
			return call(ctx, method, req, reply, conn, opts...)
		}
		proof, err := s.proof("https://"+address+method, time.Now())
		if err != nil {
			return err
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "DPoP "+s.token, "dpop", proof)
		return call(ctx, method, req, reply, conn, opts...)
	}
}

func (s *shownToken) proof(uri string, at time.Time) (string, error) {
	alg, err := proofAlgorithm(s.key)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: s.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		return "", fmt.Errorf("make proof: %w", err)
	}
	ath := sha256.Sum256([]byte(s.token))
	out, err := jwt.Signed(signer).Claims(map[string]any{
		"jti": rand.Text(), "htm": "POST", "htu": uri, "iat": at.Unix(), "ath": base64.RawURLEncoding.EncodeToString(ath[:]),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("make proof: %w", err)
	}
	return out, nil
}

func proofAlgorithm(key any) (jose.SignatureAlgorithm, error) {
	switch key.(type) {
	case *ecdsa.PrivateKey:
		return jose.ES256, nil
	case ed25519.PrivateKey:
		return jose.EdDSA, nil
	case *rsa.PrivateKey:
		return jose.PS256, nil
	default:
		return "", errors.New("the key must be P-256, Ed25519 or RSA")
	}
}
