package partnerapi_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/consent/barrier"
	"sluice/feed"
	"sluice/gateway/codec"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
)

// window is what a stream may have out, and one event of the largest size.
const window = (32 + 17) << 10

// releasedTo counts what was released to a partner.
func (w *eventWorld) releasedTo(partner string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.records {
		if string(e.Grant.Partner()) == partner {
			n++
		}
	}
	return n
}

func TestLargeEventsAreBoundedByTheirBytes(t *testing.T) {
	const balances, size = 900, 12 << 10
	w := newEventWorld(t)
	all := accountNames(40)
	w.give("messenger", all...)
	w.give("wallet", all...)
	w.publishLarge(1, balances, all...)
	idle := w.follow("messenger", 1000) // and is not read
	for busy := w.follow("wallet", 1000); w.releasedTo("wallet") < len(all) || w.releasedTo("messenger") == 0; {
		busy.done(0, busy.take(1)...)
	}
	if n := w.releasedTo("messenger"); n*size > window {
		t.Errorf("%d events of %d bytes were released to a partner that does not read", n, size)
	}
	got := map[string]bool{} // it reads, and gets all
	for len(got) < len(all) {
		for _, e := range idle.take(1) {
			got[whose(e)] = true
			idle.done(0, e)
		}
	}
}

func TestWhatIsGivenAgainCountsAgain(t *testing.T) {
	const balances, size = 120, 120 * 13
	w := newEventWorld(t)
	all := accountNames(8)
	w.give("messenger", all...)
	w.give("messenger", "B")
	idle := w.follow("messenger", 1000)
	w.publishLarge(1, balances, all...)
	nth := int64(0)
	for deadline := time.Now().Add(10 * time.Second); idle.stream.Send(&partnerv1.SubscribeRequest{}) == nil; {
		if time.Now().After(deadline) {
			t.Fatalf("a stream that is not read goes on, and %d events were released to it", w.releasedTo("messenger"))
		}
		nth++
		w.pass(feed.AckWait + time.Second)
		w.publish(nth, "B") // wakes the stream
		time.Sleep(20 * time.Millisecond)
	}
	if n := w.releasedTo("messenger"); (n-int(nth))*size > window {
		t.Errorf("%d events of %d bytes were released to a partner that does not read", n, size)
	}
}

// stuck is a stream whose transport takes no data until it may.
type stuck struct {
	partnerv1.EventService_SubscribeServer
	ctx  context.Context
	asks chan *partnerv1.SubscribeRequest
	may  chan struct{}
}

func (s *stuck) Context() context.Context { return s.ctx }

func (s *stuck) Recv() (*partnerv1.SubscribeRequest, error) {
	select {
	case r := <-s.asks:
		return r, nil
	case <-s.ctx.Done():
		return nil, io.EOF
	}
}

func (s *stuck) SendMsg(m any) error {
	var r partnerv1.SubscribeResponse
	raw, ok := m.(codec.Raw)
	if !ok {
		return errors.New("not encoded")
	}
	if err := proto.Unmarshal(raw.Encoded(), &r); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.GetEvents(), func(e *partnerv1.Event) bool { return e.GetBalance() != nil }) {
		return nil
	}
	<-s.may
	return errors.New("the stream is over")
}

func TestARevokeWaitsForWhatATransportStillMayTake(t *testing.T) {
	w := newEventWorld(t)
	id := w.give("messenger", "A1")
	w.publish(1, "A1")
	s := &stuck{ctx: with(t, map[string]any{"scope": "consents"}), asks: make(chan *partnerv1.SubscribeRequest, 1), may: make(chan struct{})}
	s.asks <- &partnerv1.SubscribeRequest{Credits: 10}
	if err := w.door.Subscribe(s); refusal.ReasonOf(err) != refusal.DeadlineExceeded {
		t.Fatalf("stream = %v, want it given up", err)
	}
	began := time.Now()
	w.revoke(id)
	if took := time.Since(began); took < barrier.Margin/2 {
		t.Errorf("the revoke was acknowledged after %s, while the transport might still send", took)
	}
	close(s.may)
}

func TestWhatIsHeldIsForgottenBeforeAnotherMayHaveIt(t *testing.T) {
	w := newEventWorld(t)
	all := accountNames(6)
	w.give("messenger", all...)
	w.publishLarge(1, 1200, all...) // 13 KiB each
	w.publish(2, all...)
	slow := w.follow("messenger", 1000)
	first := slow.take(2) // and there is no room for more
	w.pass(feed.Lease + time.Second)
	other := w.follow("messenger", 1000)
	for range 2 * len(all) {
		other.done(0, other.take(1)...)
	}
	slow.done(0, first...)
	slow.say(&partnerv1.SubscribeRequest{Acknowledgements: []*partnerv1.Acknowledgement{{DeliveryId: "ends it"}}})
	for {
		m, err := slow.stream.Recv()
		if err != nil {
			break
		}
		for _, e := range m.GetEvents() {
			if e.GetBalance() != nil {
				t.Errorf("came after the next one was acknowledged, redelivered: %t", e.GetRedelivered())
			}
		}
	}
}
