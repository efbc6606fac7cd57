package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/authn"
	"sluice/authn/dpop"
	"sluice/authn/jws"
)

var (
	errShown = goidc.NewError(goidc.ErrorCodeInvalidToken, "show an access token of the client's own, from the key or certificate it is bound to")
	errProof = goidc.NewError("invalid_dpop_proof", "the DPoP proof is not one for this request and token").WithStatusCode(http.StatusUnauthorized)
)

type proofKey struct{}

// withProof reads a request's DPoP proof, if it has one: it may have one at most,
// genuine and in time. What it is for is checked elsewhere.
func (s *Server) withProof(ctx context.Context, r *http.Request) (context.Context, error) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return ctx, nil
	}
	p, err := dpop.Read(proofs[0], "")
	if err != nil || len(proofs) > 1 || !p.InTime(s.Now()) {
		return ctx, goidc.NewError("invalid_dpop_proof", "send one DPoP proof, at most a minute old and not of the future: typ dpop+jwt, alg ES256, PS256 or EdDSA, jwk, jti, htm, htu, iat")
	}
	return context.WithValue(ctx, proofKey{}, p), nil
}

// shown is the client whose token a request shows, and the token's scopes. What a
// token is bound to is checked, and that its client is still one.
func (s *Server) shown(r *http.Request) (string, []string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	// The library would take a refresh token too.
	if h, err := jws.ReadHeader(token); err != nil || h.Text("typ") != "at+jwt" {
		return "", nil, errShown
	}
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
		if err != nil || !same(authn.ThumbprintOf(cert), bound.CertThumbprint) {
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

// prove checks that a proof is by a key, and for this request and token alone.
func (s *Server) prove(r *http.Request, token, thumbprint string) error {
	p, ok := r.Context().Value(proofKey{}).(dpop.Proof)
	if !ok || !same(p.Key, thumbprint) || p.Method != r.Method || !s.here(r, p.URI) || !p.Of(token) {
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
