package customerapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sluice/bank"
	"sluice/bank/holdings"
	"sluice/consent"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
)

// named is a choice with all other holders of the accounts chosen in it, as the
// bank knows them. It refuses shares of accounts that the bank does not know as
// this customer's, and co-holders that it does not know as such of the accounts
// chosen. What a co-holder sends stays as it is.
func (s *Service) named(ctx context.Context, who consent.ByCustomer, c consent.Consent, choice consent.Choice) (consent.Choice, error) {
	accounts, err := s.accounts(ctx, who)
	if err != nil {
		return choice, err
	}
	if c.Status != consent.Pending && c.Customer != who.Customer {
		return choice, oneOf(accounts, choice.Shares)
	}
	var chosen []holdings.Account
	for i, share := range choice.Shares {
		a, ok := find(accounts, share.Account)
		if !ok {
			return choice, refusal.Invalid(fmt.Sprintf("shares[%d].account_id", i), "is no account of this customer")
		}
		chosen = append(chosen, a)
	}
	agree, informed := holdings.Others(chosen, who.Customer)
	for i, id := range choice.CoHolders {
		if !slices.Contains(agree, id) {
			return choice, refusal.Invalid(fmt.Sprintf("co_holder_customer_ids[%d]", i), "is nobody who must agree to the sharing of the chosen accounts")
		}
	}
	if !choice.Hidden {
		choice.CoHolders, choice.Informed = agree, informed
	}
	return choice, nil
}

// oneOf refuses the agreement of one who holds none of the accounts. A
// co-holder agrees to the customer's whole choice, and need not hold the rest.
func oneOf(accounts []holdings.Account, shares []consent.Share) error {
	for _, share := range shares {
		if _, ok := find(accounts, share.Account); ok {
			return nil
		}
	}
	return refusal.Invalid("shares", "have no account of this customer")
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
	if _, ok := find(accounts, consent.AccountID(r.GetAccountId())); !ok {
		return refusal.Invalid("account_id", "is no account of this customer")
	}
	return nil
}

func find(accounts []holdings.Account, id consent.AccountID) (holdings.Account, bool) {
	i := slices.IndexFunc(accounts, func(a holdings.Account) bool { return a.ID == id })
	if i < 0 {
		return holdings.Account{}, false
	}
	return accounts[i], true
}

// accounts asks the bank for all of a customer's. The answer is used to check
// names with and goes nowhere.
func (s *Service) accounts(ctx context.Context, who consent.ByCustomer) ([]holdings.Account, error) {
	all, err := holdings.Of(ctx, s.banks, who.Bank, who.Customer)
	switch {
	case errors.Is(err, bank.ErrNoCustomer):
		return nil, refusal.Invalid("customer_id", "is no customer of this bank")
	case errors.Is(err, holdings.ErrInvalid):
		return nil, refusal.Because(refusal.BankAnswerInvalid, "the bank's answer about the customer's accounts can't be used; tell the bank", err)
	case err != nil:
		return nil, refusal.Because(refusal.BankUnavailable, "the bank could not say which accounts the customer has; try again later", err)
	}
	return all, nil
}
