package customerapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway/consentview"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
)

// AuthorizeConsent agrees to what was asked, or to less. The bank is asked
// which accounts the customer has: nobody can share another's.
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
	if _, err := s.book.Get(ctx, who, consent.ID(r.GetConsentId())); err != nil {
		return nil, fmt.Errorf("get consent: %w", err)
	}
	if err := s.own(ctx, who, choice.Shares); err != nil {
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
	choice := consent.Choice{Shares: shares, LookBackDays: days(r.LookBackDays), ValidUntil: end}
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

// mayWithdraw refuses a co-holder the withdrawal of an account that is not
// theirs too. The customer needs no bank to take back what was shared.
func (s *Service) mayWithdraw(ctx context.Context, who consent.ByCustomer, r *customerv1.WithdrawAccountRequest) error {
	c, err := s.book.Get(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return fmt.Errorf("get consent: %w", err)
	}
	if c.Customer == who.Customer {
		return nil
	}
	accounts, err := s.accounts(ctx, who)
	if err != nil {
		return err
	}
	if !slices.Contains(accounts, r.GetAccountId()) {
		return refusal.Invalid("account_id", "is no account of this customer")
	}
	return nil
}

// own refuses shares of accounts that the bank does not know as this customer's.
func (s *Service) own(ctx context.Context, who consent.ByCustomer, shares []consent.Share) error {
	accounts, err := s.accounts(ctx, who)
	if err != nil {
		return err
	}
	for i, share := range shares {
		if !slices.Contains(accounts, string(share.Account)) {
			return refusal.Invalid(fmt.Sprintf("shares[%d].account_id", i), "is no account of this customer")
		}
	}
	return nil
}

// accounts asks the bank for all of a customer's. The answer is used to check
// names with and goes nowhere.
func (s *Service) accounts(ctx context.Context, who consent.ByCustomer) ([]string, error) {
	unavailable := func(cause error) error {
		return refusal.Because(refusal.BankUnavailable, "the bank could not say which accounts the customer has; try again later", cause)
	}
	source, err := s.banks.Source(ctx, who.Bank)
	if err != nil {
		return nil, unavailable(err)
	}
	answer, err := source.Fetch(ctx, bank.ListAccounts, bank.Request{Customer: who.Customer})
	if errors.Is(err, bank.ErrNoCustomer) {
		return nil, refusal.Invalid("customer_id", "is no customer of this bank")
	}
	if err != nil {
		return nil, unavailable(err)
	}
	defer answer.Free()
	var list bankv1.ListAccountsResponse
	if err := proto.Unmarshal(answer.Bytes, &list); err != nil {
		return nil, unavailable(err)
	}
	ids := make([]string, len(list.GetAccounts()))
	for i, a := range list.GetAccounts() {
		ids[i] = a.GetAccountId()
	}
	return ids, nil
}
