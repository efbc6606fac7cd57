package partnerapi

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/gateway"
	"sluice/gateway/interceptor"
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
	// The generated handlers answer with decoded messages; these never decode.
	desc.Methods = []grpc.MethodDesc{
		method(a, "ListAccounts", func(r *partnerv1.ListAccountsRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Accounts}, nil
		}),
		method(a, "GetAccount", func(r *partnerv1.GetAccountRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Accounts, One: true, Accounts: []string{r.GetAccountId()}}, nil
		}),
		method(a, "ListBalances", func(r *partnerv1.ListBalancesRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Balances, Accounts: r.GetAccountIds()}, nil
		}),
		method(a, "ListTransactions", listTransactions),
		method(a, "ListCards", func(r *partnerv1.ListCardsRequest) (gateway.Ask, error) {
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

// request is what all requests for data have in common.
type request interface {
	proto.Message
	GetAccess() *partnerv1.Access
}

// method makes a handler that answers with a Released.
func method[R any, P interface {
	*R
	request
}](a *Accounts, name string, ask func(P) (gateway.Ask, error)) grpc.MethodDesc {
	full := partnerv1.AccountService_ServiceDesc.ServiceName + "/" + name
	info := &grpc.UnaryServerInfo{FullMethod: "/" + full}
	call := func(ctx context.Context, req any) (any, error) {
		in, ok := req.(P)
		if !ok {
			return nil, fmt.Errorf("handle %s: unexpected request %T", full, req)
		}
		question, err := ask(in)
		if err != nil {
			return nil, err
		}
		released, err := a.release(ctx, full, in.GetAccess(), question)
		if err != nil {
			return nil, err
		}
		return released, nil
	}
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			in := P(new(R))
			if err := decode(in); err != nil {
				return nil, err //nolint:wrapcheck // already a status of gRPC's own
			}
			if chain == nil {
				return call(ctx, in)
			}
			return chain(ctx, in, info, call)
		},
	}
}

func (a *Accounts) release(ctx context.Context, method string, access *partnerv1.Access, ask gateway.Ask) (gateway.Released, error) {
	partner, err := authenticated(ctx)
	if err != nil {
		return gateway.Released{}, err
	}
	ask.Partner = partner
	ask.Consent = consent.ID(access.GetConsentId())
	if ask.Ceiling, err = ceilingUnder(ctx, ask.Consent); err != nil {
		return gateway.Released{}, err
	}
	ask.Purpose = access.GetPurpose()
	ask.Unattended = access.GetAttendance() != partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT
	ask.Method = method
	ask.RequestID = interceptor.RequestID(ctx)
	released, err := a.gate.Release(ctx, ask)
	if err != nil {
		return gateway.Released{}, fmt.Errorf("release: %w", err)
	}
	interceptor.AfterAnswer(ctx, released.Sent)
	return released, nil
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
