package partnerapi_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/gateway"
	"sluice/gateway/partnerapi"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
	"sluice/seal"
)

// slow is a feed whose commits of acknowledgements wait until they may go on.
type slow struct {
	partnerapi.Deliveries
	may     chan struct{}
	commits atomic.Int64
	acks    atomic.Int64
}

func (s *slow) Acknowledge(ctx context.Context, p consent.PartnerID, consumer string, acks []feed.Ack) error {
	if len(acks) > 0 {
		<-s.may
		s.commits.Add(1)
		s.acks.Add(int64(len(acks)))
	}
	return s.Deliveries.Acknowledge(ctx, p, consumer, acks)
}

// behind opens a stream in front of a slow feed, which has n events to give, and
// takes them.
func (w *eventWorld) behind(n int) (*direct, *slow, <-chan error, []*partnerv1.SubscribeRequest) {
	w.t.Helper()
	tokens, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		w.t.Fatal(err)
	}
	lazy := &slow{Deliveries: w.feed, may: make(chan struct{})}
	w.door = partnerapi.NewEvents(w.gate, lazy, gateway.NewPairwise([]byte("key")), tokens, slog.New(slog.DiscardHandler), w.now)
	all := accountNames(n - 1)
	w.give("messenger", all...) // whose change is an event too
	w.publish(1, all...)
	s, end := w.subscribe(with(w.t, map[string]any{"scope": "consents"}), 100)
	var acks []*partnerv1.SubscribeRequest
	for range n {
		acks = append(acks, &partnerv1.SubscribeRequest{
			Acknowledgements: []*partnerv1.Acknowledgement{{DeliveryId: (<-s.came).GetDeliveryId()}},
		})
	}
	return s, lazy, end, acks
}

func TestAcknowledgementsThatCameMeanwhileShareACommit(t *testing.T) {
	w := newEventWorld(t)
	s, lazy, end, acks := w.behind(16)
	for _, a := range acks {
		s.asks <- a
	}
	for deadline := time.Now().Add(5 * time.Second); len(s.asks) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait to be read, while the first is committed", len(s.asks))
		}
	}
	close(s.asks)
	close(lazy.may)
	if err := ended(t, end); err != nil {
		t.Errorf("stream = %v", err)
	}
	if lazy.acks.Load() != 16 || lazy.commits.Load() > 3 {
		t.Errorf("%d acknowledgements in %d commits, want all 16 in a few", lazy.acks.Load(), lazy.commits.Load())
	}
}

// What came before a word that ends the stream is heard.
func TestAMalformedWordSpoilsNoAcknowledgementBeforeIt(t *testing.T) {
	w := newEventWorld(t)
	s, lazy, end, acks := w.behind(3)
	for _, a := range acks {
		s.asks <- a
	}
	s.asks <- &partnerv1.SubscribeRequest{Acknowledgements: []*partnerv1.Acknowledgement{{DeliveryId: "x"}}}
	close(lazy.may)
	if err := ended(t, end); refusal.ReasonOf(err) != refusal.InvalidRequest {
		t.Errorf("stream = %v, want INVALID_REQUEST", err)
	}
	if lazy.acks.Load() != 3 {
		t.Errorf("%d acknowledgements were heard, want 3", lazy.acks.Load())
	}
}
