package bankgrpc_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/bank"
	"sluice/bank/bankgrpc"
	"sluice/bank/banktest"
	"sluice/consent"
	"sluice/gateway/codec"
	"sluice/registry"
)

type one registry.Bank

func (o one) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	if id != o.ID {
		return registry.Bank{}, registry.ErrNotFound
	}
	return registry.Bank(o), nil
}

type gatewayOnly struct{}

func (gatewayOnly) Registered(_ context.Context, id authn.Identity) (bool, error) {
	return id.Kind == authn.Gateway, nil
}

// reach serves a scripted bank under the certificate of servedAs and finds it as morava.
func reach(t *testing.T, servedAs string, timeout time.Duration) (*banktest.Bank, bank.Source) {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(authn.Identity{Kind: authn.Bank, ID: servedAs}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	own, err := ca.Issue(authn.Identity{Kind: authn.Gateway, ID: "gateway"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := banktest.New()
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, ca.Roots(), gatewayOnly{})), grpc.ForceServerCodecV2(codec.New()))
	b.Register(s)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	d := bankgrpc.New(one{ID: "morava", Address: l.Addr().String()}, own, ca.Roots(), timeout)
	t.Cleanup(func() { _ = d.Close() })
	source, err := d.Source(t.Context(), "morava")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Source(t.Context(), "morava"); err != nil || again != source {
		t.Error("a second look-up made a second connection")
	}
	if _, err := d.Source(t.Context(), "elsewhere"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unregistered bank = %v, want ErrNotFound", err)
	}
	return b, source
}

func TestAnswersArriveAsTheBankEncodedThem(t *testing.T) {
	b, source := reach(t, "morava", 5*time.Second)
	want := []byte("\x0a\x03odd but kept \xff")
	for _, m := range []bank.Method{bank.ListAccounts, bank.ListHolders, bank.ListBalances, bank.ListTransactions, bank.ListCards, bank.ListAlerts} {
		b.AnswerBytes(m, want)
		got, err := source.Fetch(t.Context(), m, bank.Request{Customer: "c", From: 1, To: 2, PageSize: 1})
		if err != nil || !bytes.Equal(got.Bytes, want) {
			t.Errorf("%s = %q, %v", m, got.Bytes, err)
		}
		got.Free()
	}
	if _, err := source.Fetch(t.Context(), "/made.up/Method", bank.Request{}); err == nil {
		t.Error("a method that no bank has was called")
	}
}

func TestAnotherPartyIsNotTakenForTheBank(t *testing.T) {
	_, source := reach(t, "vltava", 5*time.Second)
	if _, err := source.Fetch(t.Context(), bank.ListAccounts, bank.Request{}); !errors.Is(err, bank.ErrUnavailable) {
		t.Errorf("fetch = %v, want ErrUnavailable", err)
	}
}

func TestABankIsReachedOnlyIfItIsWhoItShouldBe(t *testing.T) {
	_, source := reach(t, "morava", time.Second)
	if err := source.Reach(t.Context()); err != nil {
		t.Errorf("Reach = %v", err)
	}
	_, source = reach(t, "labe", time.Second)
	if err := source.Reach(t.Context()); !errors.Is(err, bank.ErrUnavailable) {
		t.Errorf("Reach of another = %v, want %v", err, bank.ErrUnavailable)
	}
}

func TestNothingABankSaysInAnErrorGoesFurther(t *testing.T) {
	b, source := reach(t, "morava", 5*time.Second)
	for code, unavailable := range map[codes.Code]bool{codes.PermissionDenied: false, codes.Unavailable: true} {
		b.Fail(status.Error(code, "customer 9593 owes"))
		_, err := source.Fetch(t.Context(), bank.ListAccounts, bank.Request{})
		if err == nil || strings.Contains(err.Error(), "9593") || errors.Is(err, bank.ErrUnavailable) != unavailable {
			t.Errorf("fetch = %v", err)
		}
	}
}

func TestASlowBankIsGivenUp(t *testing.T) {
	b, source := reach(t, "morava", 50*time.Millisecond)
	hold := make(chan struct{})
	b.Before(func() { <-hold })
	defer close(hold)
	if _, err := source.Fetch(t.Context(), bank.ListAccounts, bank.Request{}); !errors.Is(err, bank.ErrUnavailable) {
		t.Errorf("fetch = %v, want ErrUnavailable", err)
	}
}
