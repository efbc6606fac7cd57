package interceptor_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/gateway/codec"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
)

// tokens takes every call that shows "good" and notes what it was asked. It makes
// nobody a caller: only authn's rooms can.
type tokens struct {
	mu    sync.Mutex
	asked []string
}

func (k *tokens) Admit(ctx context.Context, method string) (context.Context, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, method)
	md, _ := metadata.FromIncomingContext(ctx)
	switch shown := strings.Join(md.Get("authorization"), ","); shown {
	case "":
		return ctx, nil
	case "good":
		return context.WithValue(ctx, tokenKey{}, "token"), nil
	case "away":
		return ctx, refusal.Because(refusal.RecordUnavailable, "try again", errors.New("down"))
	default:
		return ctx, refusal.New(refusal.TokenInvalid, "get a new one")
	}
}

type tokenKey struct{}

// gate is a server that takes tokens, and what its handlers saw.
type gate struct {
	t       *testing.T
	ca      *devca.Authority
	address string
	tokens  *tokens
	log     *bytes.Buffer
	server  *grpc.Server
	saw     func() []any // the tokens of the calls that reached a handler
}

func open(t *testing.T) *gate {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, ca: ca, tokens: &tokens{}, log: &bytes.Buffer{}}
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	var methods authn.Methods
	cfg := interceptor.Config{
		Log: slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now, MaxDuration: 5 * time.Second,
		Methods: func() authn.Methods { return methods }, Validator: validator, Tokens: g.tokens,
	}
	g.server = grpc.NewServer(grpc.Creds(authn.TokenServerCredentials(g.issue(authn.Gateway), ca.Roots(), admitAll{})),
		grpc.MaxRecvMsgSize(1<<20), grpc.ForceServerCodecV2(codec.Bounded(func(any) int { return 64 << 10 })),
		grpc.StatsHandler(interceptor.Answered{}), interceptor.HeadersFirst(cfg), interceptor.Unary(cfg), interceptor.Stream(cfg))
	s := interceptor.Reading(g.server)
	var mu sync.Mutex
	var seen []any
	g.saw = func() []any { mu.Lock(); defer mu.Unlock(); return seen }
	partnerv1.RegisterConsentServiceServer(s, service{do: func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, ctx.Value(tokenKey{}))
		return nil
	}})
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "sluice.partner.v1.AccountService", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "ListCards", ServerStreams: true, Handler: func(_ any, ss grpc.ServerStream) error {
			return ss.RecvMsg(&partnerv1.ListCardsRequest{})
		}}, {StreamName: "ListBalances", ServerStreams: true, Handler: func(_ any, ss grpc.ServerStream) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, ss.Context().Value(tokenKey{}))
			return nil
		}}},
	}, nil)
	healthpb.RegisterHealthServer(g.server, health.NewServer())
	if methods, err = authn.MethodsOf(g.server.GetServiceInfo()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.server.Serve(l) }()
	t.Cleanup(g.server.Stop)
	g.address = l.Addr().String()
	return g
}

func (g *gate) issue(kind authn.Kind) tls.Certificate {
	g.t.Helper()
	cert, err := g.ca.Issue(authn.Identity{Kind: kind, ID: "someone"}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	return cert
}

// dial connects as a kind of party, or as nobody.
func (g *gate) dial(kind authn.Kind) *grpc.ClientConn {
	g.t.Helper()
	cfg := &tls.Config{RootCAs: g.ca.Roots(), MinVersion: tls.VersionTLS13}
	if kind != 0 {
		cfg.Certificates = []tls.Certificate{g.issue(kind)}
	}
	conn, err := grpc.NewClient(g.address, grpc.WithTransportCredentials(credentials.NewTLS(cfg)))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (g *gate) get(kind authn.Kind, token string) error {
	ctx := g.t.Context()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", token)
	}
	_, err := partnerv1.NewConsentServiceClient(g.dial(kind)).GetConsent(ctx, &partnerv1.GetConsentRequest{ConsentId: "con_x"})
	return err
}

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func TestWhoeverIsNobodyIsUnknownToEveryMethod(t *testing.T) {
	g := open(t)
	conn := g.dial(0)
	_, checked := healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
	watch, err := healthpb.NewHealthClient(conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, watched := watch.Recv()
	for name, err := range map[string]error{
		"partner's method": g.get(0, ""), "stream": watched,
		// The fake proves nobody, so that even its good token leaves nobody.
		"a token that proves nobody": g.get(0, "good"),
	} {
		if status.Code(err) != codes.Unauthenticated || reasonOf(t, err) != "CALLER_UNKNOWN" {
			t.Errorf("%s: %v, want CALLER_UNKNOWN", name, err)
		}
	}
	if checked == nil {
		t.Error("health was told to nobody")
	}
	if len(g.saw()) != 0 {
		t.Error("a handler was reached")
	}
}

func TestTokensAreVerifiedForPartnersMethodsOnly(t *testing.T) {
	g := open(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "good")
	_, _ = healthpb.NewHealthClient(g.dial(0)).Check(ctx, &healthpb.HealthCheckRequest{})
	if err := g.get(authn.Bank, "good"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a bank with a token: %v", err)
	}
	if len(g.tokens.asked) != 0 {
		t.Errorf("verified for %v", g.tokens.asked)
	}
}

func TestATokenThatIsShownIsVerifiedOnceAndGoesWithTheCall(t *testing.T) {
	g := open(t)
	if err := g.get(authn.Partner, "good"); err != nil {
		t.Fatal(err)
	}
	if err := g.get(authn.Partner, ""); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]codes.Code{"bad": codes.Unauthenticated, "away": codes.Unavailable} {
		if err := g.get(authn.Partner, token); status.Code(err) != want {
			t.Errorf("%s: %v, want %s", token, err, want)
		}
	}
	if saw := g.saw(); len(saw) != 2 || saw[0] != "token" || saw[1] != nil {
		t.Errorf("handlers saw %v", saw)
	}
	if len(g.tokens.asked) != 4 {
		t.Errorf("verified %d times in 4 calls", len(g.tokens.asked))
	}
}

// The contract has no stream of partners yet; this one stands for it.
func TestAStreamIsAdmittedAsACallIs(t *testing.T) {
	g := open(t)
	stream := func(kind authn.Kind, token string) error {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", token)
		s, err := g.dial(kind).NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/sluice.partner.v1.AccountService/ListBalances")
		if err != nil {
			return err
		}
		if err := s.SendMsg(&partnerv1.ListBalancesRequest{}); err != nil {
			return err
		}
		if err := s.CloseSend(); err != nil {
			return err
		}
		if err := s.RecvMsg(&partnerv1.ListBalancesResponse{}); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	if err := stream(authn.Partner, "good"); err != nil {
		t.Fatal(err)
	}
	if saw := g.saw(); len(saw) != 1 || saw[0] != "token" {
		t.Errorf("the handler saw %v", saw)
	}
	for name, err := range map[string]error{
		"TOKEN_INVALID": stream(authn.Partner, "bad"), "CALLER_UNKNOWN": stream(0, "good"), "CALLER_NOT_PERMITTED": stream(authn.Bank, "good"),
	} {
		if reasonOf(t, err) != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
	if len(g.saw()) != 1 {
		t.Error("a refused stream reached the handler")
	}
}

// Neither the headers nor anything made of them is in the log, whatever becomes
// of the call.
func TestTokensAreNotInTheLog(t *testing.T) {
	g := open(t)
	const canary = "canary-of-a-token"
	for _, kind := range []authn.Kind{0, authn.Partner, authn.Bank} {
		if err := g.get(kind, canary); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("call = %v", err)
		}
	}
	g.server.GracefulStop()
	if strings.Contains(g.log.String(), canary) {
		t.Errorf("the log has it: %s", g.log)
	}
	if !strings.Contains(g.log.String(), "call refused") {
		t.Error("the log is empty")
	}
}
