package samplebank

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// feedGateway is a gateway's FeedService that keeps its promises: an event is
// taken once, and only behind the one before.
type feedGateway struct {
	bankv1.UnimplementedFeedServiceServer

	mu      sync.Mutex
	durable map[string][]*bankv1.FeedEvent
	taken   int // requests, of any stream
	streams int
	largest int // bytes of a request
	waiting int // requests that came and are not answered, at most

	cutAfter   []int           // the n-th stream is cut after so many requests, before they are answered
	lose       map[int]bool    // the events of these requests are lost, as if a row was never written
	reject     map[string]bool // transaction ids
	refuse     error           // what every call is told
	hold       chan struct{}   // if not nil, each answer waits for it
	unanswered int
}

func newFeedGateway() *feedGateway {
	return &feedGateway{durable: map[string][]*bankv1.FeedEvent{}, lose: map[int]bool{}, reject: map[string]bool{}}
}

func (g *feedGateway) GetFeedPosition(_ context.Context, r *bankv1.GetFeedPositionRequest) (*bankv1.GetFeedPositionResponse, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse != nil {
		return nil, g.refuse
	}
	out := &bankv1.GetFeedPositionResponse{}
	for _, id := range r.GetAccountIds() {
		out.Positions = append(out.Positions, &bankv1.FeedPosition{AccountId: id, Sequence: int64(len(g.durable[id]))})
	}
	return out, nil
}

func (g *feedGateway) Publish(s grpc.BidiStreamingServer[bankv1.PublishRequest, bankv1.PublishResponse]) error {
	g.mu.Lock()
	stream := g.streams
	g.streams++
	g.mu.Unlock()
	requests := make(chan *bankv1.PublishRequest, 1000)
	go func() {
		defer close(requests)
		for {
			r, err := s.Recv()
			if err != nil {
				return
			}
			g.mu.Lock()
			g.unanswered++
			g.waiting = max(g.waiting, g.unanswered)
			g.largest = max(g.largest, proto.Size(r))
			g.mu.Unlock()
			requests <- r
		}
	}()
	for n := 1; ; n++ {
		r, ok := <-requests
		if !ok {
			return nil
		}
		if g.hold != nil {
			<-g.hold
		}
		out := g.take(r)
		if stream < len(g.cutAfter) && n == g.cutAfter[stream] {
			return status.Error(codes.Unavailable, "the replica goes away")
		}
		if err := s.Send(out); err != nil {
			return err
		}
	}
}

func (g *feedGateway) take(r *bankv1.PublishRequest) *bankv1.PublishResponse {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unanswered--
	g.taken++
	out := &bankv1.PublishResponse{}
	missing := map[string]int64{}
	for _, e := range r.GetEvents() {
		id := e.GetAccountId()
		have := int64(len(g.durable[id]))
		tx := e.GetTransactionPosted()
		switch {
		case g.lose[g.taken]:
			missing[id] = cmpOr(missing[id], 0)
		case e.GetSequence() <= have:
			missing[id] = cmpOr(missing[id], 0)
		case tx != nil && g.reject[tx.GetTransactionId()]:
			out.Rejections = append(out.Rejections, &bankv1.EventRejection{AccountId: id, Sequence: e.GetSequence(), Field: "what.transaction_id", Description: "was used"})
			missing[id] = have + 1
		case e.GetSequence() == have+1:
			g.durable[id] = append(g.durable[id], e)
			missing[id] = cmpOr(missing[id], 0)
		default:
			missing[id] = have + 1
		}
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		out.Positions = append(out.Positions, &bankv1.FeedPosition{AccountId: id, Sequence: int64(len(g.durable[id])), MissingFrom: missing[id]})
	}
	return out
}

func cmpOr(a, b int64) int64 {
	if a != 0 {
		return a
	}
	return b
}

func (g *feedGateway) client(t testing.TB) bankv1.FeedServiceClient {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	s := grpc.NewServer()
	bankv1.RegisterFeedServiceServer(s, g)
	go func() { _ = s.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///bank", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); s.Stop() })
	return bankv1.NewFeedServiceClient(conn)
}
