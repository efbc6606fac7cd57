package gateway

import (
	"context"
	"errors"
	"fmt"

	"sluice/consent"
	"sluice/refusal"
	"sluice/registry"
)

// Serve refuses a partner that is served nothing, whatever its consents: one
// that is not active, or that calls by token and shows none.
func (g *Gate) Serve(ctx context.Context, id consent.PartnerID, shows bool) error {
	partner, err := g.Parties.Partner(ctx, id)
	switch {
	case err != nil && !errors.Is(err, registry.ErrNotFound):
		return unavailable(ctx, refusal.RecordUnavailable, fmt.Errorf("read partner: %w", err))
	case partner.Standing != registry.Active:
		return refuse(refusal.PartnerSuspended)
	case mustShowToken(partner) && !shows:
		return refusal.Because(refusal.TokenInvalid, `this partner calls with an access token; get one of the scope "consents"`, errNoToken)
	}
	return nil
}

// mustShowToken says whether a partner that may be served needs a token for it.
func mustShowToken(p registry.Partner) bool {
	return p.Standing == registry.Active && p.Access != registry.ByCertificate
}
