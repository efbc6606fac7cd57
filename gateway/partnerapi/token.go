package partnerapi

import (
	"context"

	"sluice/authn"
	"sluice/authn/accesstoken"
	"sluice/consent"
	"sluice/refusal"
)

// authenticated is the partner that calls, by certificate or by token.
func authenticated(ctx context.Context) (consent.PartnerID, error) {
	caller, ok := authn.FromContext(ctx)
	if !ok {
		return "", refusal.New(refusal.CallerUnknown, "connect with a registered certificate, or call with an access token bound to your key")
	}
	partner, ok := caller.Partner()
	if !ok {
		return "", refusal.New(refusal.CallerNotPermitted, "this method is for partners")
	}
	return partner, nil
}

// ceilingUnder is what the call's token lets out under a consent; nil if the
// call shows no token. A token of one consent serves that one only, and whether
// the other exists makes no difference: it is never looked for.
func ceilingUnder(ctx context.Context, id consent.ID) (map[string]consent.Clusters, error) {
	t, ok := accesstoken.FromContext(ctx)
	if !ok {
		return nil, nil
	}
	if t.Consent() == "" || t.Consent() != id {
		return nil, refusal.New(refusal.TokenInvalid, "the access token is not of this consent; use the one that is")
	}
	return t.Ceiling(), nil
}

// callingPartner is the partner that calls about its consents in general: by
// certificate, or by a token for that.
func callingPartner(ctx context.Context) (consent.PartnerID, error) {
	return callingPartnerOf(ctx, "")
}

// callingPartnerOf is callingPartner for a call about one consent, for which a
// token of that consent serves too.
func callingPartnerOf(ctx context.Context, id consent.ID) (consent.PartnerID, error) {
	partner, err := authenticated(ctx)
	if err != nil {
		return "", err
	}
	if _, byCertificate := authn.Thumbprint(ctx); byCertificate {
		return partner, nil
	}
	t, _ := accesstoken.FromContext(ctx)
	if t.Has(accesstoken.ConsentsScope) || id != "" && t.Consent() == id {
		return partner, nil
	}
	return "", refusal.New(refusal.TokenInvalid, `the access token is not for this; get one of the scope "consents", or of this consent`)
}
