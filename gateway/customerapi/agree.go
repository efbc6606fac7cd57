package customerapi

import (
	"context"
	"fmt"
	"slices"

	"sluice/consent"
	"sluice/gateway/consentview"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
)

// AuthorizeConsent agrees to what was asked, or to less. The bank is asked
// which accounts the customer has and who else holds them: nobody can share
// another's, or pass over a co-holder.
func (s *Service) AuthorizeConsent(ctx context.Context, r *customerv1.AuthorizeConsentRequest) (*customerv1.AuthorizeConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	choice, err := choiceOf(r)
	if err != nil {
		return nil, err
	}
	// Reading first: a consent that is not this customer's to see is not found,
	// whatever accounts are named.
	found, err := s.book.Get(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, fmt.Errorf("get consent: %w", err)
	}
	if choice, err = s.named(ctx, who, found, choice); err != nil {
		return nil, err
	}
	c, err := s.book.Authorize(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision(), choice)
	if err != nil {
		return nil, fmt.Errorf("authorize consent: %w", err)
	}
	return &customerv1.AuthorizeConsentResponse{Consent: consentview.ForBank(c)}, nil
}

func choiceOf(r *customerv1.AuthorizeConsentRequest) (consent.Choice, error) {
	shares, err := sharesOf(r.GetShares())
	if err != nil {
		return consent.Choice{}, err
	}
	end, err := consentview.Instant("valid_until", r.GetValidUntil())
	if err != nil {
		return consent.Choice{}, fmt.Errorf("read end: %w", err)
	}
	choice := consent.Choice{Shares: shares, LookBackDays: days(r.LookBackDays), ValidUntil: end, Hidden: r.GetHiddenFromCoHolders()}
	for _, id := range r.GetCoHolderCustomerIds() {
		choice.CoHolders = append(choice.CoHolders, consent.CustomerID(id))
	}
	return choice, nil
}

// NarrowConsent makes a consent smaller.
func (s *Service) NarrowConsent(ctx context.Context, r *customerv1.NarrowConsentRequest) (*customerv1.NarrowConsentResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	shares, err := sharesOf(r.GetShares())
	if err != nil {
		return nil, err
	}
	end, err := consentview.Instant("valid_until", r.GetValidUntil())
	if err != nil {
		return nil, fmt.Errorf("read end: %w", err)
	}
	c, err := s.book.Narrow(ctx, who, consent.ID(r.GetConsentId()), r.GetRevision(),
		consent.Narrowing{Shares: shares, LookBackDays: days(r.LookBackDays), ValidUntil: end})
	if err != nil {
		return nil, fmt.Errorf("narrow consent: %w", err)
	}
	return &customerv1.NarrowConsentResponse{Consent: consentview.ForBank(c)}, nil
}

func days(d *int32) *int {
	if d == nil {
		return nil
	}
	n := int(*d)
	return &n
}

// sharesOf reads shares; an account named twice is refused, since it is unclear
// which of the two is meant.
func sharesOf(in []*consentv1.Share) ([]consent.Share, error) {
	out := consentview.Shares(in)
	for i, s := range out {
		if slices.ContainsFunc(out[:i], func(o consent.Share) bool { return o.Account == s.Account }) {
			return nil, refusal.Invalid(fmt.Sprintf("shares[%d].account_id", i), "is named twice")
		}
	}
	return out, nil
}
