package jws

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"sluice/authn/keyset"
)

// What is wrong with a JWS. There are no other errors.
var (
	ErrHeader    = errors.New("the JOSE header is not as it must be")
	ErrAlgorithm = errors.New("the algorithm is not permitted")
	ErrSignature = errors.New("the signature does not verify")
	ErrClaims    = errors.New("the claims can't be read")
)

// Header is a JOSE header, read before anything is done with it. go-jose's JSON
// tells upper from lower case and refuses members that are there twice.
type Header map[string]json.RawMessage

// ReadHeader reads the header of a JWS in compact serialization. Nothing of it is
// believed yet.
func ReadHeader(compact string) (Header, error) {
	encoded, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, ErrHeader
	}
	return Members(raw)
}

// Members reads a JSON object.
func Members(raw []byte) (Header, error) {
	var h Header
	if json.Unmarshal(raw, &h) != nil {
		return nil, ErrHeader
	}
	return h, nil
}

// Text is a member that is a string; "" if it is none.
func (h Header) Text(name string) string {
	var s string
	if json.Unmarshal(h[name], &s) != nil {
		return ""
	}
	return s
}

// HasAny says whether one of the members is there, whatever it is.
func (h Header) HasAny(names ...string) bool {
	for _, name := range names {
		if _, there := h[name]; there {
			return true
		}
	}
	return false
}

// Open verifies a JWS by a public key and reads its claims. The key decides which
// algorithm may be used, and not the header.
func Open(compact string, key any, into any) error {
	alg := keyset.Algorithm(key)
	if alg == "" {
		return ErrAlgorithm
	}
	signed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return ErrSignature
	}
	claims, err := signed.Verify(key)
	if err != nil {
		return ErrSignature
	}
	if json.Unmarshal(claims, into) != nil {
		return ErrClaims
	}
	return nil
}
