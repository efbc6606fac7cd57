package partnerapi_test

import (
	"context"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/feed"
	"sluice/gateway/codec"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
	"sluice/registry"
)

// direct is a stream without a connection. What is sent goes to a channel.
type direct struct {
	partnerv1.EventService_SubscribeServer
	ctx  context.Context
	asks chan *partnerv1.SubscribeRequest
	came chan *partnerv1.Event
}

func (s *direct) Context() context.Context { return s.ctx }

func (s *direct) Recv() (*partnerv1.SubscribeRequest, error) {
	select {
	case r, ok := <-s.asks:
		if ok {
			return r, nil
		}
	case <-s.ctx.Done():
	}
	return nil, io.EOF
}

func (s *direct) SendMsg(m any) error {
	var r partnerv1.SubscribeResponse
	if raw, ok := m.(codec.Raw); !ok || proto.Unmarshal(raw.Encoded(), &r) != nil {
		return io.ErrUnexpectedEOF
	}
	for _, e := range r.GetEvents() {
		s.came <- e
	}
	return nil
}

// subscribe opens a stream of messenger's, as ctx says who it is.
func (w *eventWorld) subscribe(ctx context.Context, credits int32) (*direct, <-chan error) {
	s := &direct{ctx: ctx, asks: make(chan *partnerv1.SubscribeRequest, 100), came: make(chan *partnerv1.Event, 100)}
	s.asks <- &partnerv1.SubscribeRequest{Credits: credits}
	end := make(chan error, 1)
	go func() { end <- w.door.Subscribe(s) }()
	return s, end
}

func ended(t *testing.T, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on")
		return nil
	}
}

func TestAStreamEndsWithTheTokenThatOpenedIt(t *testing.T) {
	w := newEventWorld(t)
	w.access = registry.ByToken
	w.give("messenger", "A1")
	s, end := w.subscribe(with(t, map[string]any{"scope": "consents", "exp": noon.Unix() + 30}), 100)
	<-s.came // the consent's change
	w.pass(30*time.Second - time.Millisecond)
	w.publish(1, "A1")
	s.asks <- &partnerv1.SubscribeRequest{}
	select {
	case err := <-end:
		t.Fatalf("before the token: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	w.pass(time.Millisecond)
	w.publish(2, "A1")
	if err := ended(t, end); refusal.ReasonOf(err) != refusal.TokenInvalid {
		t.Errorf("stream = %v, want TOKEN_INVALID", err)
	}
	w.pass(feed.AckWait)
	s, _ = w.subscribe(with(t, map[string]any{"scope": "consents", "exp": w.now().Unix() + 30}), 100)
	if e := <-s.came; !e.GetRedelivered() { // the change or the first event, in no order
		t.Errorf("with a new token: %v, want what was not acknowledged", e)
	}
}

// Events are data: they need what a partner's pulls of data need.
func TestAPartnerWhoCallsByTokenNeedsOneForEvents(t *testing.T) {
	w := newEventWorld(t)
	w.give("messenger", "A1")
	w.access = registry.ByToken
	client := w.as("messenger")
	_, pulled := client.PullEvents(t.Context(), &partnerv1.PullEventsRequest{})
	_, acked := client.AcknowledgeEvents(t.Context(), &partnerv1.AcknowledgeEventsRequest{
		Acknowledgements: []*partnerv1.Acknowledgement{{DeliveryId: "x"}},
	})
	for name, err := range map[string]error{"pull": pulled, "acknowledge": acked, "subscribe": w.follow("messenger", 10).end()} {
		if refusedFor(err) != "TOKEN_INVALID" {
			t.Errorf("%s with a certificate alone: %v, want TOKEN_INVALID", name, err)
		}
	}
	s, _ := w.subscribe(with(t, map[string]any{"scope": "consents"}), 10)
	if e := <-s.came; e.GetConsentChanged() == nil {
		t.Errorf("with a token: %v", e)
	}
}
