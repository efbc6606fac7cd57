package accesstoken

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/metadata"

	"sluice/refusal"
)

const (
	maxToken = 8 << 10 // bytes
	maxProof = 4 << 10
)

// shown is what a call shows, each member once.
type shown struct {
	token string
	dpop  bool   // the scheme is DPoP, and there is a proof
	proof string // "" unless dpop
}

var errHeaders = errors.New("the headers are not as they must be")

// readShown reads a call's headers; false if it shows nothing.
func readShown(ctx context.Context) (shown, bool, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	authorization, proofs := md["authorization"], md["dpop"]
	if len(authorization) == 0 && len(proofs) == 0 {
		return shown{}, false, nil
	}
	if len(authorization) != 1 || len(proofs) > 1 {
		return shown{}, true, invalid("send exactly one authorization header, and one dpop header with a token bound to a key", errHeaders)
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	s := shown{token: token, dpop: strings.EqualFold(scheme, "DPoP")}
	switch {
	case !s.dpop && !strings.EqualFold(scheme, "Bearer"):
		return shown{}, true, invalid(`the authorization header must be "DPoP <token>", or "Bearer <token>" with a token bound to a certificate`, errHeaders)
	case s.dpop != (len(proofs) == 1):
		return shown{}, true, invalid("the DPoP scheme needs one dpop header with a proof; the Bearer scheme takes none", errHeaders)
	case len(token) > maxToken || !compact(token):
		return shown{}, true, invalid("the access token is not one of this gateway's", errHeaders)
	}
	if s.dpop {
		s.proof = proofs[0]
		if len(s.proof) > maxProof || !compact(s.proof) {
			return shown{}, true, invalid(badProof, errHeaders)
		}
	}
	return s, true, nil
}

// compact says whether s has the form of a JWS in compact serialization: three
// parts of base64url.
func compact(s string) bool {
	dots := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.':
			dots++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return dots == 2
}

const (
	badToken = "the access token is not valid here; get a new one"
	badProof = "the proof is not valid for this call; make one for it: typ dpop+jwt, alg ES256, PS256 or EdDSA, jwk, jti, htm POST, htu, iat, ath"
)

// invalid refuses what was shown. The cause is for the log, and is one of this
// package's own errors: those of libraries may quote what they read.
func invalid(message string, cause error) error {
	return refusal.Because(refusal.TokenInvalid, message, cause)
}
