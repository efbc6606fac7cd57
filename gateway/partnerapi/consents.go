package partnerapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/grpc"

	"sluice/consent"
	"sluice/gateway"
	"sluice/gateway/consentview"
	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
	"sluice/registry"
	"sluice/seal"
)

// Parties knows the standing of partners and banks.
type Parties interface {
	Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error)
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
}

// Consents is the partner's ConsentService.
type Consents struct {
	partnerv1.UnimplementedConsentServiceServer
	book    *consent.Book
	parties Parties
	names   gateway.Pairwise
	tokens  *seal.Sealer
}

// NewConsents serves the partner's view of a book.
func NewConsents(book *consent.Book, parties Parties, names gateway.Pairwise, tokens *seal.Sealer) *Consents {
	return &Consents{book: book, parties: parties, names: names, tokens: tokens}
}

// Register adds ConsentService to a server.
func (c *Consents) Register(s grpc.ServiceRegistrar) { partnerv1.RegisterConsentServiceServer(s, c) }

// RequestConsent asks for a consent.
func (c *Consents) RequestConsent(ctx context.Context, r *partnerv1.RequestConsentRequest) (*partnerv1.RequestConsentResponse, error) {
	partner, err := callingPartner(ctx)
	if err != nil {
		return nil, err
	}
	bank := consent.BankID(r.GetBankId())
	if err := c.standing(ctx, partner, bank); err != nil {
		return nil, err
	}
	terms, err := consentview.Terms(r.GetTerms())
	if err != nil {
		return nil, fmt.Errorf("read terms: %w", err)
	}
	made, err := c.book.Request(ctx, partner, bank, terms)
	if err != nil {
		return nil, fmt.Errorf("request consent: %w", err)
	}
	return &partnerv1.RequestConsentResponse{Consent: c.view(made)}, nil
}

// standing refuses what a suspended partner asks, or what is asked of a bank
// that is suspended or not registered.
func (c *Consents) standing(ctx context.Context, partner consent.PartnerID, bank consent.BankID) error {
	p, err := c.parties.Partner(ctx, partner)
	if err != nil {
		return fmt.Errorf("read partner: %w", err)
	}
	if p.Standing != registry.Active {
		return refusal.New(refusal.PartnerSuspended, "the partner is suspended; talk to the operator")
	}
	b, err := c.parties.Bank(ctx, bank)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return refusal.New(refusal.PartyNotFound, "no such bank is registered")
	case err != nil:
		return fmt.Errorf("read bank: %w", err)
	case b.Standing != registry.Active:
		return refusal.New(refusal.BankSuspended, "the bank is suspended; try again later")
	}
	return nil
}

// GetConsent reads one of the partner's own consents.
func (c *Consents) GetConsent(ctx context.Context, r *partnerv1.GetConsentRequest) (*partnerv1.GetConsentResponse, error) {
	partner, err := callingPartnerOf(ctx, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, err
	}
	found, err := c.book.Get(ctx, consent.ByPartner(partner), consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("get consent: %w", err)
	}
	return &partnerv1.GetConsentResponse{Consent: c.view(found)}, nil
}

// ListConsents lists the partner's own consents, newest first.
func (c *Consents) ListConsents(ctx context.Context, r *partnerv1.ListConsentsRequest) (*partnerv1.ListConsentsResponse, error) {
	partner, err := callingPartner(ctx)
	if err != nil {
		return nil, err
	}
	binding := seal.Binding{"consents of partner", string(partner), strconv.FormatBool(r.GetLiveOnly())}
	found, next, err := consentview.Page(ctx, c.book, c.tokens, binding, consent.Query{Partner: partner, LiveOnly: r.GetLiveOnly()}, r)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	out := &partnerv1.ListConsentsResponse{NextPageToken: next}
	for _, one := range found {
		out.Consents = append(out.Consents, c.view(one))
	}
	return out, nil
}

// RenewConsent asks the customer for a later end.
func (c *Consents) RenewConsent(ctx context.Context, r *partnerv1.RenewConsentRequest) (*partnerv1.RenewConsentResponse, error) {
	partner, err := callingPartnerOf(ctx, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, err
	}
	until, err := consentview.Instant("valid_until", r.GetValidUntil())
	if err != nil {
		return nil, fmt.Errorf("read end: %w", err)
	}
	found, err := c.book.Get(ctx, consent.ByPartner(partner), consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("get consent: %w", err)
	}
	if err := c.standing(ctx, partner, found.Bank); err != nil {
		return nil, err
	}
	asked, err := c.book.AskRenewal(ctx, consent.ByPartner(partner), found.ID, until)
	if err != nil {
		return nil, fmt.Errorf("ask for renewal: %w", err)
	}
	return &partnerv1.RenewConsentResponse{Consent: c.view(asked)}, nil
}

// ListConsentEvents reads on in the changes of the partner's own consents.
func (c *Consents) ListConsentEvents(ctx context.Context, r *partnerv1.ListConsentEventsRequest) (*partnerv1.ListConsentEventsResponse, error) {
	partner, err := callingPartner(ctx)
	if err != nil {
		return nil, err
	}
	found, next, err := consentview.Events(ctx, c.book, c.tokens, seal.Binding{"events of partner", string(partner)},
		consent.EventQuery{Partner: partner}, r)
	if err != nil {
		return nil, fmt.Errorf("read on: %w", err)
	}
	out := &partnerv1.ListConsentEventsResponse{Cursor: next}
	for _, ch := range found {
		out.Events = append(out.Events, consentview.EventForPartner(ch))
	}
	return out, nil
}

// RevokeConsent gives a consent up.
func (c *Consents) RevokeConsent(ctx context.Context, r *partnerv1.RevokeConsentRequest) (*partnerv1.RevokeConsentResponse, error) {
	partner, err := callingPartnerOf(ctx, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, err
	}
	ended, err := c.book.Revoke(ctx, consent.ByPartner(partner), consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("revoke consent: %w", err)
	}
	return &partnerv1.RevokeConsentResponse{Consent: c.view(ended)}, nil
}

func (c *Consents) view(found consent.Consent) *consentv1.Consent {
	return consentview.ForPartner(found, func(a consent.AccountID) string {
		return c.names.Account(found.Partner, found.Bank, a)
	})
}
