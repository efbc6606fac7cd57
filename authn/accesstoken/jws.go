package accesstoken

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

var (
	errHeader    = errors.New("the JOSE header is not as it must be")
	errAlgorithm = errors.New("the algorithm is not permitted")
	errSignature = errors.New("the signature does not verify")
	errClaims    = errors.New("the claims can't be read")
)

// header is a JOSE header, read before anything is done with it. go-jose's JSON
// tells upper from lower case and refuses members that are there twice.
type header map[string]json.RawMessage

func readHeader(compact string) (header, error) {
	encoded, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, errHeader
	}
	var h header
	if json.Unmarshal(raw, &h) != nil {
		return nil, errHeader
	}
	return h, nil
}

// text is a member that is a string; "" if it is none.
func (h header) text(name string) string {
	var s string
	if json.Unmarshal(h[name], &s) != nil {
		return ""
	}
	return s
}

// open verifies a JWS by a key and reads its claims. The key decides which
// algorithm may be used, and not the header.
func open(compact string, key any, into any) error {
	alg, ok := algorithm(key)
	if !ok {
		return errAlgorithm
	}
	signed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return errSignature
	}
	claims, err := signed.Verify(key)
	if err != nil {
		return errSignature
	}
	if json.Unmarshal(claims, into) != nil {
		return errClaims
	}
	return nil
}

const (
	minRSA = 2048 // bits; FAPI 2.0, 5.4
	maxRSA = 4096 // verifying costs more with each
)

// algorithm is the one that a public key signs with (FAPI 2.0, 5.4).
func algorithm(key any) (jose.SignatureAlgorithm, bool) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return jose.ES256, k.Params().BitSize == 256
	case ed25519.PublicKey:
		return jose.EdDSA, len(k) == ed25519.PublicKeySize
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		return jose.PS256, bits >= minRSA && bits <= maxRSA
	default:
		return "", false
	}
}
