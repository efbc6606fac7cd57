package partnerapi

import (
	"context"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"

	"sluice/consent"
	"sluice/gateway"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
)

// Releaser is the gate.
type Releaser interface {
	Release(ctx context.Context, ask gateway.Ask) (gateway.Released, error)
}

// Accounts is AccountService in front of a gate.
type Accounts struct{ gate Releaser }

// NewAccounts opens the door to a gate.
func NewAccounts(gate Releaser) *Accounts { return &Accounts{gate: gate} }

// Register adds AccountService to a server whose codec is gateway/codec.
func (a *Accounts) Register(s grpc.ServiceRegistrar) {
	desc := partnerv1.AccountService_ServiceDesc
	p := pulls{a.gate, desc.ServiceName}
	// The generated handlers answer with decoded messages; these never decode.
	desc.Methods = []grpc.MethodDesc{
		method(p, "ListAccounts", func(r *partnerv1.ListAccountsRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Accounts}, nil
		}),
		method(p, "GetAccount", func(r *partnerv1.GetAccountRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Accounts, One: true, Accounts: []string{r.GetAccountId()}}, nil
		}),
		method(p, "ListBalances", func(r *partnerv1.ListBalancesRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Balances, Accounts: r.GetAccountIds()}, nil
		}),
		method(p, "ListTransactions", listTransactions),
		method(p, "ListCards", func(r *partnerv1.ListCardsRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Cards, Accounts: r.GetAccountIds()}, nil
		}),
	}
	s.RegisterService(&desc, nil)
}

func listTransactions(r *partnerv1.ListTransactionsRequest) (gateway.Ask, error) {
	from, err := day("from_date", r.GetFromDate())
	if err != nil {
		return gateway.Ask{}, err
	}
	to, err := day("to_date", r.GetToDate())
	if err != nil {
		return gateway.Ask{}, err
	}
	if from != consent.NoDay && to != consent.NoDay && to < from {
		return gateway.Ask{}, refusal.Invalid("to_date", "must not be before from_date")
	}
	return gateway.Ask{
		Kind: policy.Transactions, One: true, Accounts: []string{r.GetAccountId()},
		From: from, To: to, PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	}, nil
}

// day reads a date of the contract; NoDay where there is none.
func day(field string, d *date.Date) (consent.Day, error) {
	if d == nil {
		return consent.NoDay, nil
	}
	out, ok := consent.DayFrom(int(d.GetYear()), int(d.GetMonth()), int(d.GetDay()))
	if !ok {
		return consent.NoDay, refusal.Invalid(field, "is not a calendar date with year, month and day")
	}
	return out, nil
}
