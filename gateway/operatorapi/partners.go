package operatorapi

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"

	"sluice/authn/keyset"
	"sluice/consent"
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/refusal"
	"sluice/registry"
)

// RegisterPartner registers a partner, or changes what is said of one. Access
// and client stay as they are where nothing is said. Tokens are got by clients
// only, so who calls with tokens must have one.
func (s *Service) RegisterPartner(ctx context.Context, r *operatorv1.RegisterPartnerRequest) (*operatorv1.RegisterPartnerResponse, error) {
	id := consent.PartnerID(r.GetPartnerId())
	p, err := s.registry.Partner(ctx, id)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return nil, unavailable(fmt.Errorf("register partner: %w", err))
	}
	if err != nil {
		p = registry.Partner{ID: id, Standing: registry.Active}
	}
	p.Name = r.GetDisplayName()
	switch r.GetAccess() {
	case operatorv1.PartnerAccess_PARTNER_ACCESS_TOKEN:
		p.Access = registry.ByToken
	case operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE:
		p.Access = registry.ByCertificate
	default: // as it is
	}
	if r.GetClient() != nil {
		if p.Client, err = client(r.GetClient()); err != nil {
			return nil, err
		}
	}
	if p.Access == registry.ByToken && p.Client.Authentication == registry.NoAuthentication {
		return nil, refusal.Invalid("client", "is needed by a partner that calls with tokens; without one it can only call with its certificate")
	}
	return s.putPartner(ctx, p)
}

func (s *Service) putPartner(ctx context.Context, p registry.Partner) (*operatorv1.RegisterPartnerResponse, error) {
	if err := s.registry.PutPartner(ctx, p); err != nil {
		return nil, unavailable(fmt.Errorf("register partner: %w", err))
	}
	kept, err := s.registry.Partner(ctx, p.ID)
	if err != nil {
		return nil, unavailable(fmt.Errorf("register partner: %w", err))
	}
	return &operatorv1.RegisterPartnerResponse{Partner: partner(kept)}, nil
}

// RotatePartnerKeys replaces the keys of a partner's client.
func (s *Service) RotatePartnerKeys(ctx context.Context, r *operatorv1.RotatePartnerKeysRequest) (*operatorv1.RotatePartnerKeysResponse, error) {
	p, err := s.registry.Partner(ctx, consent.PartnerID(r.GetPartnerId()))
	if err != nil {
		return nil, absent("partner", err)
	}
	if p.Client.Authentication != registry.PrivateKeyJWT {
		return nil, refusal.Invalid("partner_id", "is a partner whose client has no keys: it has none, or proves itself by certificate")
	}
	p.Client.Keys, p.Client.KeysURL = r.GetJwks(), r.GetJwksUrl()
	if err := checkKeys("", p.Client); err != nil {
		return nil, err
	}
	kept, err := s.putPartner(ctx, p)
	if err != nil {
		return nil, err
	}
	return &operatorv1.RotatePartnerKeysResponse{Partner: kept.GetPartner()}, nil
}

func client(in *operatorv1.Client) (registry.Client, error) {
	out := registry.Client{RedirectURIs: in.GetRedirectUris(), Keys: in.GetJwks(), KeysURL: in.GetJwksUrl()}
	for i, uri := range out.RedirectURIs {
		if why := redirectFault(uri); why != "" {
			return registry.Client{}, refusal.Invalid(fmt.Sprintf("client.redirect_uris[%d]", i), why)
		}
	}
	if in.GetAuthentication() == operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_TLS {
		out.Authentication = registry.TLS
		if out.Keys != "" || out.KeysURL != "" {
			return registry.Client{}, refusal.Invalid("client.jwks", "has no use for a client that proves itself by certificate")
		}
		return out, nil
	}
	out.Authentication = registry.PrivateKeyJWT
	return out, checkKeys("client.", out)
}

// checkKeys wants keys or an address of keys, and either to be usable.
func checkKeys(path string, c registry.Client) error {
	switch {
	case (c.Keys == "") == (c.KeysURL == ""):
		return refusal.Invalid(path+"jwks", "or jwks_url must be given, and not both")
	case c.KeysURL != "":
		if err := keyset.CheckURL(c.KeysURL); err != nil {
			return refusal.Invalid(path+"jwks_url", err.Error())
		}
	default:
		if _, err := keyset.Parse([]byte(c.Keys)); err != nil {
			return refusal.Invalid(path+"jwks", err.Error())
		}
	}
	return nil
}

// redirectFault says why customers can't be sent to an address; "" if they can.
func redirectFault(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return "is no absolute address"
	case u.User != nil || u.Fragment != "" || u.String() != raw:
		return "must have no password, no fragment and nothing to be normalised"
	case u.Scheme == "https":
		return ""
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && err == nil && ip.IsLoopback() {
		return ""
	}
	return "must begin with https://, or with http:// and a loopback address"
}

func partner(p registry.Partner) *operatorv1.Party {
	out := &operatorv1.Party{PartyId: string(p.ID), DisplayName: p.Name, Standing: shown(p.Standing), Access: operatorv1.PartnerAccess_PARTNER_ACCESS_TOKEN}
	if p.Access == registry.ByCertificate {
		out.Access = operatorv1.PartnerAccess_PARTNER_ACCESS_CERTIFICATE
	}
	if p.Client.Authentication == registry.NoAuthentication {
		return out
	}
	out.Client = &operatorv1.Client{
		Authentication: operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT,
		RedirectUris:   p.Client.RedirectURIs, Jwks: p.Client.Keys, JwksUrl: p.Client.KeysURL,
	}
	if p.Client.Authentication == registry.TLS {
		out.Client.Authentication = operatorv1.ClientAuthentication_CLIENT_AUTHENTICATION_TLS
	}
	return out
}
