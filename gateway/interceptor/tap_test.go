package interceptor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// Nothing of nobody's message is waited for, let alone read.
func TestNobodyIsRefusedWhenTheHeadersAreThere(t *testing.T) {
	g := open(t)
	for name, tt := range map[string]struct {
		method  string
		headers []string
	}{
		"without a token":                   {"/sluice.partner.v1.ConsentService/GetConsent", nil},
		"with a proof alone":                {"/sluice.partner.v1.ConsentService/GetConsent", []string{"dpop", "x"}},
		"a method that takes none":          {"/grpc.health.v1.Health/Watch", []string{"authorization", "good"}},
		"a method that there is not":        {"/sluice.bank.v1.None/None", []string{"authorization", "good"}},
		"a stream of partners' without one": {"/sluice.partner.v1.AccountService/ListBalances", nil},
	} {
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), tt.headers...), 3*time.Second)
		defer cancel()
		s, err := g.dial(0).NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, tt.method)
		if err == nil {
			err = s.RecvMsg(&partnerv1.GetConsentResponse{}) // and nothing is sent
		}
		if status.Code(err) != codes.Unauthenticated || reasonOf(t, err) != "CALLER_UNKNOWN" {
			t.Errorf("%s: %v, want CALLER_UNKNOWN", name, err)
		}
	}
	if len(g.saw()) != 0 || len(g.tokens.asked) != 0 {
		t.Errorf("handlers saw %v, and verified was %v", g.saw(), g.tokens.asked)
	}
}

func TestNobodysCallsAtOnceAreBounded(t *testing.T) {
	g := open(t)
	conn := g.dial(0)
	begin := func() (grpc.ClientStream, context.CancelFunc) {
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "authorization", "good"), 5*time.Second)
		t.Cleanup(cancel)
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/sluice.partner.v1.ConsentService/GetConsent")
		if err != nil {
			t.Fatal(err)
		}
		return s, cancel
	}
	_, end := begin()
	for range interceptor.Unproven - 1 {
		begin()
	}
	s, _ := begin()
	if err := s.RecvMsg(&partnerv1.GetConsentResponse{}); status.Code(err) != codes.ResourceExhausted || reasonOf(t, err) != "INVALID_REQUEST" {
		t.Errorf("one call more: %v, want RESOURCE_EXHAUSTED", err)
	}
	end()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		s, _ := begin()
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		err := s.RecvMsg(&partnerv1.GetConsentResponse{})
		if status.Code(err) != codes.ResourceExhausted {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("when one has ended: %v", err)
		}
	}
}

func TestAMessageThatCantBeReadIsRefusedInTheFormOfAllRefusals(t *testing.T) {
	g := open(t)
	conn := g.dial(authn.Partner)
	stream := func(m any) error {
		s, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/sluice.partner.v1.AccountService/ListCards")
		if err != nil {
			return err
		}
		if err := s.SendMsg(m); err != nil {
			return err
		}
		return s.RecvMsg(&partnerv1.ListCardsResponse{})
	}
	unary := func(m any) error {
		return conn.Invoke(t.Context(), "/sluice.partner.v1.ConsentService/GetConsent", m, &partnerv1.GetConsentResponse{})
	}
	large := func(size int) *partnerv1.GetConsentRequest {
		return &partnerv1.GetConsentRequest{ConsentId: strings.Repeat("x", size)}
	}
	other := large(9) // its first field is text, where the other's is a message
	for name, tt := range map[string]struct {
		err  error
		code codes.Code
	}{
		"larger than its kind":           {unary(large(100 << 10)), codes.ResourceExhausted},
		"larger than its kind, streamed": {stream(large(100 << 10)), codes.ResourceExhausted},
		"of another type, streamed":      {stream(other), codes.InvalidArgument},
	} {
		if status.Code(tt.err) != tt.code || reasonOf(t, tt.err) != "INVALID_REQUEST" {
			t.Errorf("%s: %v, want %s with INVALID_REQUEST", name, tt.err, tt.code)
		}
	}
	if len(g.saw()) != 0 {
		t.Errorf("handlers saw %v", g.saw())
	}
}
