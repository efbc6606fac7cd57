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
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/gateway/codec"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// events does with each stream what the test says.
type events struct {
	partnerv1.UnimplementedEventServiceServer
	do func(partnerv1.EventService_SubscribeServer) error
}

func (e events) Subscribe(s partnerv1.EventService_SubscribeServer) error { return e.do(s) }

// streamed is a server of one stream, its log, and a client's end.
type streamed struct {
	t      *testing.T
	client partnerv1.EventServiceClient
	server *grpc.Server
	log    *bytes.Buffer
	end    context.CancelFunc
}

func serveStream(t *testing.T, change func(*interceptor.Config), do func(partnerv1.EventService_SubscribeServer) error) *streamed {
	t.Helper()
	ca, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issue := func(kind authn.Kind) (out authn.Identity) { return authn.Identity{Kind: kind, ID: "someone"} }
	server, err := ca.Issue(issue(authn.Gateway), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Issue(issue(authn.Partner), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	ending, end := context.WithCancel(t.Context())
	s := &streamed{t: t, log: &bytes.Buffer{}, end: end}
	var methods authn.Methods
	cfg := interceptor.Config{
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now, MaxDuration: 10 * time.Second,
		Methods: func() authn.Methods { return methods }, Validator: validator, Ending: func() context.Context { return ending },
	}
	if change != nil {
		change(&cfg)
	}
	s.server = grpc.NewServer(grpc.Creds(authn.ServerCredentials(server, ca.Roots(), admitAll{})),
		grpc.ForceServerCodecV2(codec.New()), interceptor.Stream(cfg))
	partnerv1.RegisterEventServiceServer(s.server, events{do: do})
	if methods, err = authn.MethodsOf(s.server.GetServiceInfo()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.server.Serve(l) }()
	t.Cleanup(s.server.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(
		authn.ClientCredentials(client, ca.Roots(), issue(authn.Gateway))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s.client = partnerv1.NewEventServiceClient(conn)
	return s
}

// send opens a stream, sends the messages, and answers how the stream ended.
func (s *streamed) send(messages ...*partnerv1.SubscribeRequest) error {
	s.t.Helper()
	stream, err := s.client.Subscribe(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range messages {
		if err := stream.Send(m); err != nil {
			break // the end says why
		}
	}
	_, err = stream.Recv()
	return err
}

func (s *streamed) ended() string {
	s.server.GracefulStop() // the log is whole once the streams have ended
	return s.log.String()
}

func TestAPanicInAStreamBecomesInternalAndItsValueStaysInside(t *testing.T) {
	s := serveStream(t, nil, func(partnerv1.EventService_SubscribeServer) error { panic("account CZ65") })
	err := s.send()
	log := s.ended()
	if status.Code(err) != codes.Internal || reasonOf(t, err) != "INTERNAL" {
		t.Errorf("stream = %v, want INTERNAL", err)
	}
	if strings.Contains(err.Error()+log, "CZ65") || !strings.Contains(log, "stack") {
		t.Errorf("the panic's value leaks, or the log has no stack: %v\n%s", err, log)
	}
}

func TestEachMessageOfAStreamIsHeldAgainstTheContract(t *testing.T) {
	var got []int32
	s := serveStream(t, nil, func(stream partnerv1.EventService_SubscribeServer) error {
		for {
			m, err := stream.Recv()
			if err != nil {
				return err
			}
			got = append(got, m.GetCredits())
		}
	})
	err := s.send(&partnerv1.SubscribeRequest{Credits: 7}, &partnerv1.SubscribeRequest{Credits: 1001}, &partnerv1.SubscribeRequest{Credits: 8})
	s.ended()
	if status.Code(err) != codes.InvalidArgument || reasonOf(t, err) != "INVALID_REQUEST" {
		t.Errorf("stream = %v, want INVALID_REQUEST", err)
	}
	if len(got) != 1 || got[0] != 7 {
		t.Errorf("the handler got %v, want the first alone", got)
	}
}

func TestADoorThatChecksByItselfSeesWhatIsMalformed(t *testing.T) {
	s := serveStream(t, func(c *interceptor.Config) { c.SelfChecked = []string{"/sluice.partner.v1.EventService/Subscribe"} },
		func(stream partnerv1.EventService_SubscribeServer) error {
			m, err := stream.Recv()
			if err == nil && m.GetCredits() != 1001 {
				t.Errorf("got %v", m)
			}
			return err
		})
	if err := s.send(&partnerv1.SubscribeRequest{Credits: 1001}); status.Code(err) == codes.InvalidArgument {
		t.Errorf("stream = %v", err)
	}
}

func TestAStreamIsNamedAndHasOneLineInTheLog(t *testing.T) {
	var inside string
	s := serveStream(t, nil, func(stream partnerv1.EventService_SubscribeServer) error {
		inside = interceptor.RequestID(stream.Context())
		return nil
	})
	stream, err := s.client.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header, err := stream.Header()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = stream.Recv()
	log := s.ended()
	if got := header.Get(interceptor.RequestIDHeader); len(got) != 1 || got[0] == "" || got[0] != inside {
		t.Errorf("the caller has %v, the handler %q", got, inside)
	}
	if strings.Count(log, inside) != 1 || !strings.Contains(log, "partner/someone") || !strings.Contains(log, "EventService/Subscribe") {
		t.Errorf("the log: %s", log)
	}
}

func TestAStreamEndsWithItsTimeOrWithTheServer(t *testing.T) {
	until := func(stream partnerv1.EventService_SubscribeServer) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	s := serveStream(t, func(c *interceptor.Config) { c.MaxStream = 20 * time.Millisecond }, until)
	if err := s.send(); status.Code(err) != codes.DeadlineExceeded || reasonOf(t, err) != "DEADLINE_EXCEEDED" {
		t.Errorf("after its time: %v", err)
	}
	s = serveStream(t, nil, until)
	time.AfterFunc(20*time.Millisecond, s.end)
	if err := s.send(); status.Code(err) != codes.Unavailable || reasonOf(t, err) != "RECORD_UNAVAILABLE" {
		t.Errorf("with the server: %v", err)
	}
}

func TestAStreamThatItsCallerLeftIsCanceledAndNoFailure(t *testing.T) {
	for name, ends := range map[string]func(partnerv1.EventService_SubscribeServer) error{
		"by its context": func(stream partnerv1.EventService_SubscribeServer) error {
			<-stream.Context().Done()
			return stream.Context().Err()
		},
		"while it reads": func(stream partnerv1.EventService_SubscribeServer) error {
			_, err := stream.Recv()
			return err
		},
		"while it sends": func(stream partnerv1.EventService_SubscribeServer) error {
			<-stream.Context().Done()
			return stream.Send(&partnerv1.SubscribeResponse{})
		},
	} {
		over := make(chan error, 1)
		s := serveStream(t, nil, func(stream partnerv1.EventService_SubscribeServer) error {
			_ = stream.Send(&partnerv1.SubscribeResponse{})
			err := ends(stream)
			over <- err
			return err
		})
		ctx, leave := context.WithCancel(t.Context())
		stream, err := s.client.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		leave()
		if err := <-over; err == nil {
			t.Errorf("%s: the handler was not told", name)
		}
		log := s.ended()
		if !strings.Contains(log, "the caller went away") || !strings.Contains(log, "code=Canceled") {
			t.Errorf("%s: the log: %s", name, log)
		}
		if strings.Contains(log, "level=ERROR") || strings.Contains(log, "INTERNAL") {
			t.Errorf("%s: the log takes it for a failure: %s", name, log)
		}
	}
}
