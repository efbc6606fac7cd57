package oauth

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-jose/go-jose/v4/jwt"
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
// place, and a client's own token is for something, and of no consent.
func (s *Server) granted(ctx context.Context, kind goidc.GrantType, g *goidc.Grant) error {
	switch {
	case kind == goidc.GrantAuthorizationCode:
		g.Store = without(g.Store, storeSessionVersion)
		return s.takeOver(ctx, g)
	case kind != goidc.GrantClientCredentials:
		return nil
	case g.AuthDetails != nil:
		return invalidDetail("only a customer can grant them")
	case g.Scopes == "":
		return goidc.NewError(goidc.ErrorCodeInvalidScope, "say in scope what the token is for")
	}
	return nil
}

// present makes a grant what its consent is now: it permits no more, and is
// revoked with it. A grant of no consent is as it is.
func (s *Server) present(ctx context.Context, g *goidc.Grant) error {
	if g.RevokedAt != 0 || text(g.Store, storeConsent) == "" {
		return nil
	}
	found, err := s.consentOf(ctx, g)
	if err != nil {
		return err
	}
	if err := s.supersede(ctx, g, found); err != nil {
		return err
	}
	if consent.Ended(found.Status) || found.Status == consent.Pending || !found.ValidUntil.After(s.Now()) {
		if err := s.Store.RevokeGrant(ctx, g.ID, s.Now()); err != nil {
			return troubled(ctx, fmt.Errorf("revoke grant: %w", err))
		}
		g.RevokedAt = int(s.Now().Unix())
		return nil
	}
	g.AuthDetails, err = s.given(found)
	return err
}

// completeToken says which grant a token is of (Grant Management, 6).
func completeToken(r *http.Request, a *answer, said map[string]any) {
	completeError(r, a, said)
	token, _ := said["access_token"].(string)
	var claims struct {
		Grant   string `json:"grant_id"`
		Consent string `json:"consent_id"`
	}
	made, err := jwt.ParseSigned(token, []goidc.SignatureAlgorithm{goidc.SigAlgES256})
	if err == nil && made.UnsafeClaimsWithoutVerification(&claims) == nil && claims.Consent != "" {
		said["grant_id"] = claims.Grant
	}
}

// completeError gives errors the names that their standards have: a code or grant
// that is used up is invalid_grant (RFC 6749, 5.2), and a proof that is not good
// is invalid_dpop_proof (RFC 9449, 5).
func completeError(_ *http.Request, _ *answer, said map[string]any) {
	if said["error"] == string(goidc.ErrorCodeExpiredToken) {
		said["error"] = string(goidc.ErrorCodeInvalidGrant)
	}
	if said["error_description"] == "invalid DPoP proof" {
		said["error"] = "invalid_dpop_proof"
	}
}

// completeIntrospection: a token that is another client's (RFC 7662, 2.2), or
// whose consent does not hold, is not active.
func (s *Server) completeIntrospection(r *http.Request, a *answer, said map[string]any) {
	if said["error"] == string(goidc.ErrorCodeAccessDenied) {
		inactive(a, said)
	}
	id, _ := said["consent_id"].(string)
	if said["active"] != true || id == "" {
		return
	}
	client, _ := said["client_id"].(string)
	found, err := s.Book.Get(r.Context(), consent.ByPartner(consent.PartnerID(client)), consent.ID(id))
	if err != nil || found.Status != consent.Active || !found.ValidUntil.After(s.Now()) {
		inactive(a, said)
	}
}

func inactive(a *answer, said map[string]any) {
	clear(said)
	said["active"] = false
	a.status = http.StatusOK
}
