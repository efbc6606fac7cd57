package partnerapi_test

import (
	"context"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"

	"sluice/gateway"
	"sluice/gateway/partnerapi"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
)

type closed struct{ asked int }

func (c *closed) Release(context.Context, gateway.Ask) (gateway.Released, error) {
	c.asked++
	return gateway.Released{}, nil
}

// registrar keeps what is registered.
type registrar struct{ desc *grpc.ServiceDesc }

func (r *registrar) RegisterService(d *grpc.ServiceDesc, _ any) { r.desc = d }

func TestEveryMethodOfTheContractGoesThroughTheGate(t *testing.T) {
	var r registrar
	partnerapi.NewAccounts(&closed{}).Register(&r)
	served := map[string]bool{}
	for _, m := range r.desc.Methods {
		served[m.MethodName] = true
	}
	contract := partnerv1.AccountService_ServiceDesc.Methods
	if len(served) != len(contract) || len(r.desc.Streams) != 0 {
		t.Errorf("served %v, the contract has %d methods", served, len(contract))
	}
	for _, m := range contract {
		if !served[m.MethodName] {
			t.Errorf("%s is not served", m.MethodName)
		}
	}
}

func TestCallWithoutACallerDoesNotReachTheGate(t *testing.T) {
	gate := &closed{}
	var r registrar
	partnerapi.NewAccounts(gate).Register(&r)
	for _, m := range r.desc.Methods {
		_, err := m.Handler(nil, t.Context(), func(any) error { return nil }, nil)
		if refusal.ReasonOf(err) != refusal.CallerUnknown {
			t.Errorf("%s = %v, want CALLER_UNKNOWN", m.MethodName, err)
		}
	}
	if gate.asked != 0 {
		t.Errorf("the gate was asked %d times", gate.asked)
	}
}

func TestImpossibleDatesDoNotReachTheGate(t *testing.T) {
	gate := &closed{}
	var r registrar
	partnerapi.NewAccounts(gate).Register(&r)
	for _, d := range []*date.Date{{}, {Year: 2026}, {Year: 2026, Month: 13, Day: 1}, {Year: 2026, Month: 2, Day: 29}, {Year: 10000, Month: 1, Day: 1}} {
		for _, m := range r.desc.Methods {
			if m.MethodName != "ListTransactions" {
				continue
			}
			_, err := m.Handler(nil, t.Context(), func(in any) error {
				if req, ok := in.(*partnerv1.ListTransactionsRequest); ok {
					req.FromDate = d
				}
				return nil
			}, nil)
			if refusal.ReasonOf(err) != refusal.InvalidRequest {
				t.Errorf("from_date %v = %v, want INVALID_REQUEST", d, err)
			}
		}
	}
	if gate.asked != 0 {
		t.Errorf("the gate was asked %d times", gate.asked)
	}
}
