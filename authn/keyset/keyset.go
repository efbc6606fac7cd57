package keyset

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeys = 10
	minRSA  = 2048 // bits; FAPI 2.0, 5.4
	maxRSA  = 4096 // verifying costs more with each
)

// ErrInvalid means that a JWK set can't be used. Its text says why and holds
// nothing of the keys.
var ErrInvalid = errors.New("the key set is not valid")

// Algorithms are what partners may sign with (FAPI 2.0, 5.4).
func Algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA}
}

// Parse reads a JWK set of one to ten public signing keys. Each has its own kid,
// and is a P-256 or Ed25519 key, or an RSA key of 2048 to 4096 bits. A set with a private
// or a symmetric key is refused: whoever made it has given that key away.
func Parse(raw []byte) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("%w: it is no JWK set", ErrInvalid)
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return jose.JSONWebKeySet{}, fmt.Errorf("%w: it has %d keys, and may have 1 to %d", ErrInvalid, len(set.Keys), maxKeys)
	}
	seen := map[string]bool{}
	for i := range set.Keys {
		key := &set.Keys[i]
		if err := check(*key); err != nil {
			return jose.JSONWebKeySet{}, fmt.Errorf("%w: key %d %w", ErrInvalid, i, err)
		}
		if seen[key.KeyID] {
			return jose.JSONWebKeySet{}, fmt.Errorf("%w: two keys have the same kid", ErrInvalid)
		}
		seen[key.KeyID] = true
		key.Use = "sig"
		key.Algorithm = string(Algorithm(key.Key))
	}
	return set, nil
}

func check(key jose.JSONWebKey) error {
	switch {
	case key.KeyID == "" || len(key.KeyID) > 128:
		return errors.New("needs a kid of 1 to 128 characters")
	case !key.IsPublic():
		return errors.New("is not public: make a new pair, and show the public half only")
	case !key.Valid():
		return errors.New("is damaged")
	case key.Use != "" && key.Use != "sig":
		return errors.New(`has a use other than "sig"`)
	}
	alg := Algorithm(key.Key)
	if alg == "" {
		return errors.New("must be a P-256 or Ed25519 key, or an RSA key of 2048 to 4096 bits")
	}
	if key.Algorithm != "" && key.Algorithm != string(alg) {
		return fmt.Errorf("has an alg other than %q", alg)
	}
	return nil
}

// Algorithm is the one that a public key signs with; "" if it may not sign.
func Algorithm(key any) jose.SignatureAlgorithm {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Params().BitSize == 256 {
			return jose.ES256
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return jose.EdDSA
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= minRSA && bits <= maxRSA {
			return jose.PS256
		}
	}
	return ""
}
