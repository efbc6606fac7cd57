package oauth

import (
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/authn/keyset"
)

var (
	errShown = goidc.NewError(goidc.ErrorCodeInvalidToken, "show an access token of the client's own, from the key or certificate it is bound to")
	errProof = goidc.NewError("invalid_dpop_proof", "the DPoP proof is not one for this request and token").WithStatusCode(http.StatusUnauthorized)
)

// proof is the claims of a DPoP proof (RFC 9449, 4.2).
type proof struct {
	ID       string           `json:"jti"`
	Method   string           `json:"htm"`
	URI      string           `json:"htu"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	Token    string           `json:"ath"`
}

// inTime says whether a request has at most one DPoP proof, which is neither
// older nor newer than it may be. That it is genuine is checked elsewhere.
func (s *Server) inTime(r *http.Request) bool {
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return true
	}
	parsed, err := jwt.ParseSigned(proofs[0], keyset.Algorithms())
	var p proof
	if len(proofs) > 1 || err != nil || parsed.UnsafeClaimsWithoutVerification(&p) != nil || p.IssuedAt == nil {
		return false
	}
	age := s.Now().Sub(p.IssuedAt.Time())
	return age <= proofAge*time.Second && age >= -skew*time.Second
}

// shown is the client whose token a request shows, and the token's scopes. What a
// token is bound to is checked, and that its client is still one.
func (s *Server) shown(r *http.Request) (string, []string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	info, _, err := s.provider.Introspect(r.Context(), token)
	if err != nil {
		return "", nil, err //nolint:wrapcheck // its own words say it
	}
	if !info.IsActive || info.Confirmation == nil {
		return "", nil, errShown
	}
	if _, err := s.provider.Client(r.Context(), info.ClientID); errors.Is(err, goidc.ErrNotFound) {
		return "", nil, errShown
	} else if err != nil {
		return "", nil, err //nolint:wrapcheck // its own words say it
	}
	bound := *info.Confirmation
	if !strings.EqualFold(scheme, string(info.Type)) || bound == (goidc.TokenConfirmation{}) {
		return "", nil, errShown
	}
	if bound.CertThumbprint != "" {
		cert, err := certificateOf(r.Context())
		if err != nil || !same(thumbprint(cert), bound.CertThumbprint) {
			return "", nil, errShown
		}
	}
	if bound.JWKThumbprint != "" {
		if err := s.prove(r, token, bound.JWKThumbprint); err != nil {
			return "", nil, err
		}
	}
	return info.ClientID, strings.Fields(info.Scopes), nil
}

// prove checks a proof as RFC 9449, 4.3 says, but for its time.
func (s *Server) prove(r *http.Request, token, thumbprint string) error {
	parsed, err := jwt.ParseSigned(r.Header.Get("DPoP"), keyset.Algorithms())
	if err != nil || len(parsed.Headers) != 1 || parsed.Headers[0].ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return errProof
	}
	key := parsed.Headers[0].JSONWebKey
	if key == nil || !key.Valid() || !key.IsPublic() {
		return errProof
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil || !same(base64.RawURLEncoding.EncodeToString(sum), thumbprint) {
		return errProof
	}
	var p proof
	if parsed.Claims(key.Key, &p) != nil || p.ID == "" || p.Method != r.Method || !s.here(r, p.URI) {
		return errProof
	}
	ath := sha256.Sum256([]byte(token))
	if !same(p.Token, base64.RawURLEncoding.EncodeToString(ath[:])) {
		return errProof
	}
	if err := s.useOnce(r.Context(), p.ID); errors.Is(err, errReplayed) {
		return errProof
	} else if err != nil {
		return err
	}
	return nil
}

// here says whether a URI is the request's, query and fragment aside.
func (s *Server) here(r *http.Request, uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String() == s.Issuer+r.URL.EscapedPath() || u.String() == s.MTLS+r.URL.EscapedPath()
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
