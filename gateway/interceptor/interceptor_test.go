package interceptor_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type admitAll struct{}

func (admitAll) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

// service does in each call what the test says.
type service struct {
	partnerv1.UnimplementedConsentServiceServer
	do func(context.Context) error
}

func (s service) GetConsent(ctx context.Context, _ *partnerv1.GetConsentRequest) (*partnerv1.GetConsentResponse, error) {
	return &partnerv1.GetConsentResponse{}, s.do(ctx)
}

// call serves one call through the whole chain, as this kind of caller.
func call(t *testing.T, kind authn.Kind, do func(context.Context) error, req *partnerv1.GetConsentRequest, opts ...grpc.CallOption) (string, error) {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.Issue(authn.Identity{Kind: authn.Gateway, ID: "gateway"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Issue(authn.Identity{Kind: kind, ID: "someone"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var methods authn.Methods
	cfg := interceptor.Config{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now, MaxDuration: 50 * time.Millisecond,
		Methods: func() authn.Methods { return methods }, Validator: validator,
	}
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(server, ca.Roots(), admitAll{})), interceptor.Unary(cfg))
	partnerv1.RegisterConsentServiceServer(s, service{do: do})
	if methods, err = authn.MethodsOf(s.GetServiceInfo()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(
		authn.ClientCredentials(client, ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = partnerv1.NewConsentServiceClient(conn).GetConsent(ctx, req, opts...)
	s.GracefulStop() // the log is whole once the calls have ended
	return log.String(), err
}

func TestEveryCallIsNamedToTheCallerAndInTheLog(t *testing.T) {
	var header metadata.MD
	var inside string
	log, err := call(t, authn.Partner, func(ctx context.Context) error {
		inside = interceptor.RequestID(ctx)
		return context.Canceled
	}, &partnerv1.GetConsentRequest{ConsentId: "con_x"}, grpc.Header(&header))
	if status.Code(err) != codes.Canceled {
		t.Fatalf("call = %v", err)
	}
	got := header.Get(interceptor.RequestIDHeader)
	if len(got) != 1 || got[0] == "" || got[0] != inside || !strings.Contains(log, got[0]) {
		t.Errorf("the caller has %v, the handler %q, the log %s", got, inside, log)
	}
	if !strings.Contains(log, "partner/someone") {
		t.Errorf("the log does not name the caller: %s", log)
	}
}

func TestPanicBecomesInternalAndItsValueStaysInside(t *testing.T) {
	log, err := call(t, authn.Partner, func(context.Context) error { panic("account CZ65") }, &partnerv1.GetConsentRequest{ConsentId: "con_x"})
	if status.Code(err) != codes.Internal {
		t.Errorf("call = %v, want Internal", err)
	}
	if strings.Contains(err.Error()+log, "CZ65") {
		t.Errorf("the panic's value leaks: %v\n%s", err, log)
	}
	if !strings.Contains(log, "stack") {
		t.Error("the log has no stack")
	}
}

func TestEveryCallIsBoundedInTime(t *testing.T) {
	_, err := call(t, authn.Partner, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}, &partnerv1.GetConsentRequest{ConsentId: "con_x"})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("call = %v, want DeadlineExceeded", err)
	}
}

func TestCallOfAnotherKindDoesNotReachTheHandler(t *testing.T) {
	reached := false
	_, err := call(t, authn.Bank, func(context.Context) error { reached = true; return nil }, &partnerv1.GetConsentRequest{ConsentId: "con_x"})
	if status.Code(err) != codes.PermissionDenied || reached {
		t.Errorf("call = %v, handler reached: %t", err, reached)
	}
}

func TestRequestAgainstTheContractDoesNotReachTheHandler(t *testing.T) {
	reached := false
	_, err := call(t, authn.Partner, func(context.Context) error { reached = true; return nil }, &partnerv1.GetConsentRequest{})
	if status.Code(err) != codes.InvalidArgument || reached {
		t.Errorf("call = %v, handler reached: %t", err, reached)
	}
}
