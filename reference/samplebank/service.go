package samplebank

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// ListAccounts answers whole accounts, whatever clusters are asked for: what may
// leave is the gateway's to say.
func (b *Bank) ListAccounts(_ context.Context, r *bankv1.ListAccountsRequest) (*bankv1.ListAccountsResponse, error) {
	found, failures, err := b.find(r.GetSubject())
	if err != nil {
		return nil, err
	}
	out := &bankv1.ListAccountsResponse{Failures: failures}
	for _, a := range found {
		out.Accounts = append(out.Accounts, a.account(b.rolled()))
	}
	return out, nil
}

// ListHolders answers everybody who holds each account, owner and authorised
// user alike: each can look into it and is told of in its data, so each must
// agree before another shares it. An account of somebody else is left out.
func (b *Bank) ListHolders(_ context.Context, r *bankv1.ListHoldersRequest) (*bankv1.ListHoldersResponse, error) {
	found, _, err := b.find(r.GetSubject())
	if err != nil {
		return nil, err
	}
	out := &bankv1.ListHoldersResponse{}
	for _, a := range found {
		held := &bankv1.AccountHolders{AccountId: a.id}
		for _, h := range a.holders {
			held.Holders = append(held.Holders, &bankv1.Holder{CustomerId: h.customer, DisplayName: nameOf(h.customer), MustAgree: true})
		}
		out.Accounts = append(out.Accounts, held)
	}
	return out, nil
}

// ListBalances answers the balance after the last transaction.
func (b *Bank) ListBalances(_ context.Context, r *bankv1.ListBalancesRequest) (*bankv1.ListBalancesResponse, error) {
	found, failures, err := b.find(r.GetSubject())
	if err != nil {
		return nil, err
	}
	out := &bankv1.ListBalancesResponse{Failures: failures}
	asOf := timestamppb.New(b.now())
	for _, a := range found {
		out.Accounts = append(out.Accounts, &datav1.AccountBalances{AccountId: a.id, Balances: []*datav1.Balance{
			{Type: datav1.BalanceType_BALANCE_TYPE_CLOSING_BOOKED, Amount: a.balance().money(a.currency), AsOf: asOf},
			{Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_AVAILABLE, Amount: a.available().money(a.currency), AsOf: asOf},
		}})
	}
	return out, nil
}

// ListCards answers the card of each card account.
func (b *Bank) ListCards(_ context.Context, r *bankv1.ListCardsRequest) (*bankv1.ListCardsResponse, error) {
	found, failures, err := b.find(r.GetSubject())
	if err != nil {
		return nil, err
	}
	out := &bankv1.ListCardsResponse{Failures: failures}
	for _, a := range found {
		cards := &datav1.AccountCards{AccountId: a.id}
		if a.card != nil {
			standing := datav1.CardStatus_CARD_STATUS_ACTIVE
			if b.alerts.blocked(a.id) {
				standing = datav1.CardStatus_CARD_STATUS_BLOCKED
			}
			cards.Cards = append(cards.Cards, &datav1.Card{
				Number: a.card.number, Product: a.card.product, Status: standing,
				IssueDate: (a.card.issued + b.rolled()).date(),
			})
		}
		out.Accounts = append(out.Accounts, cards)
	}
	return out, nil
}

// find finds the accounts a call is about: those named, or all of the
// customer's. An account of somebody else is not found, like one there is not.
func (b *Bank) find(s *bankv1.Subject) ([]*account, []*bankv1.AccountFailure, error) {
	all := b.accountsOf(s.GetCustomerId())
	if len(s.GetAccountIds()) == 0 {
		if len(all) == 0 {
			return nil, nil, status.Error(codes.NotFound, "the bank has no such customer")
		}
		return all, nil, nil
	}
	var found []*account
	var failures []*bankv1.AccountFailure
	for _, id := range s.GetAccountIds() {
		if a, ok := b.data.held(s.GetCustomerId(), id); ok && a.bank == b.bank {
			found = append(found, a)
			continue
		}
		failures = append(failures, &bankv1.AccountFailure{
			AccountId: id, Code: bankv1.AccountFailureCode_ACCOUNT_FAILURE_CODE_NOT_FOUND,
		})
	}
	return found, failures, nil
}

func (b *Bank) accountsOf(customer string) []*account {
	var out []*account
	for _, a := range b.data.customers[customer] {
		if a.bank == b.bank {
			out = append(out, a)
		}
	}
	return out
}

// nameOf stands in for a customer's name, which the source has not.
func nameOf(customer string) string { return "Client " + customer }

func (b *Bank) rolled() day { return rolled(dayOf(b.now())) }

func (a *account) account(rolled day) *datav1.Account {
	out := &datav1.Account{
		AccountId: a.id, Kind: a.kind, Status: datav1.AccountStatus_ACCOUNT_STATUS_OPEN, Currency: a.currency,
		DisplayName: a.name, Number: a.number, OpeningDate: (a.opened + rolled).date(),
	}
	for _, h := range a.holders {
		out.Holders = append(out.Holders, &datav1.AccountHolder{Name: nameOf(h.customer), Role: h.role})
	}
	if l := a.loan; l != nil {
		out.Loan = &datav1.LoanTerms{
			Principal: l.principal.money(a.currency), MonthlyPayment: l.payment.money(a.currency),
			DurationMonths: int32(l.months), GrantedDate: (l.granted + rolled).date(),
		}
	}
	return out
}

// balance is that after the last transaction.
func (a *account) balance() amount {
	if len(a.transactions) == 0 {
		return 0
	}
	return a.transactions[len(a.transactions)-1].balance
}

// available is what can be spent; nothing of a loan or a card without a limit.
func (a *account) available() amount { return max(0, a.balance()) }
