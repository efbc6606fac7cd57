package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/consent"
)

// claims are what our access tokens say besides RFC 9068's.
func (s *Server) claims(_ context.Context, _ *goidc.Token, g *goidc.Grant) map[string]any {
	out := map[string]any{"aud": s.Audience}
	if id := text(g.Store, storeConsent); id != "" {
		out["consent_id"] = id
	}
	return out
}

// granted looks at a grant before it is kept: one that replaces another takes its
// place, and one that is refreshed is what its consent is now.
func (s *Server) granted(ctx context.Context, kind goidc.GrantType, g *goidc.Grant) error {
	switch kind {
	case goidc.GrantAuthorizationCode:
		g.Store = without(g.Store, storeSessionVersion)
		return s.takeOver(ctx, g)
	case goidc.GrantRefreshToken:
		return s.refreshed(ctx, g)
	default:
		return nil
	}
}

func (s *Server) refreshed(ctx context.Context, g *goidc.Grant) error {
	found, err := s.Book.Get(ctx, consent.ByPartner(consent.PartnerID(g.ClientID)), consent.ID(text(g.Store, storeConsent)))
	if err != nil {
		return told(err)
	}
	if consent.Ended(found.Status) || found.Status == consent.Pending {
		if err := s.Store.RevokeGrant(ctx, g.ID, s.Now()); err != nil {
			return fmt.Errorf("revoke grant: %w", err)
		}
		return goidc.NewError(goidc.ErrorCodeInvalidGrant, "the consent has ended; ask the customer for a new one")
	}
	g.AuthDetails, err = s.given(found)
	return err
}

// answer holds a library's answer back, so that it can be completed.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) { a.WriteHeader(http.StatusOK); return a.body.Write(b) }

// completed lets the library answer in JSON and then completes what it said.
func (s *Server) completed(complete func(r *http.Request, said map[string]any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{header: http.Header{}}
		s.library.ServeHTTP(a, r)
		for name, values := range a.header {
			w.Header()[name] = values
		}
		var said map[string]any
		if json.Unmarshal(a.body.Bytes(), &said) == nil && said != nil {
			complete(r, said)
			w.Header().Del("Content-Length")
			writeJSON(w, a.status, said)
			return
		}
		w.WriteHeader(max(a.status, http.StatusOK))
		_, _ = w.Write(a.body.Bytes()) // who asked has gone if it fails
	})
}

// completeToken says which grant a token is of (Grant Management, 6), and gives
// errors the names that their standards have.
func (s *Server) completeToken(_ *http.Request, said map[string]any) {
	completeError(said)
	token, _ := said["access_token"].(string)
	var claims struct {
		Grant   string `json:"grant_id"`
		Consent string `json:"consent_id"`
	}
	if part := strings.Split(token, "."); len(part) == 3 {
		raw, err := base64.RawURLEncoding.DecodeString(part[1])
		if err == nil && json.Unmarshal(raw, &claims) == nil && claims.Consent != "" {
			said["grant_id"] = claims.Grant
		}
	}
}

// completeError: a code or grant that is used up is invalid_grant (RFC 6749, 5.2),
// and a proof that is not good is invalid_dpop_proof (RFC 9449, 5).
func completeError(said map[string]any) {
	if said["error"] == string(goidc.ErrorCodeExpiredToken) {
		said["error"] = string(goidc.ErrorCodeInvalidGrant)
	}
	if said["error_description"] == "invalid DPoP proof" {
		said["error"] = "invalid_dpop_proof"
	}
}

// completeIntrospection: a token whose consent does not hold is not active.
func (s *Server) completeIntrospection(r *http.Request, said map[string]any) {
	id, _ := said["consent_id"].(string)
	if said["active"] != true || id == "" {
		return
	}
	client, _ := said["client_id"].(string)
	found, err := s.Book.Get(r.Context(), consent.ByPartner(consent.PartnerID(client)), consent.ID(id))
	if err == nil && found.Status == consent.Active && found.ValidUntil.After(s.Now()) {
		return
	}
	clear(said)
	said["active"] = false
}

// proofInTime says whether the DPoP proofs of a request are neither older nor
// newer than they may be. That they are genuine is the library's to say.
func (s *Server) proofInTime(r *http.Request) bool {
	for _, proof := range r.Header.Values("DPoP") {
		part := strings.Split(proof, ".")
		if len(part) != 3 {
			return false
		}
		var claims struct {
			IssuedAt float64 `json:"iat"`
		}
		raw, err := base64.RawURLEncoding.DecodeString(part[1])
		if err != nil || json.Unmarshal(raw, &claims) != nil {
			return false
		}
		age := s.Now().Sub(time.Unix(int64(claims.IssuedAt), 0))
		if age > proofAge*time.Second || age < -skew*time.Second {
			return false
		}
	}
	return true
}
