package partnerapi_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/feed"
	"sluice/gateway"
	"sluice/gateway/partnerapi"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
	"sluice/registry"
)

func TestNoMoreIsReleasedThanThereIsCreditFor(t *testing.T) {
	w := newEventWorld(t)
	w.give("messenger", accountNames(10)...)
	f := w.follow("messenger", 2) // one for the consent's change
	w.publish(1, accountNames(10)...)
	got := f.take(1)
	if n := w.recorded(); n > 2 {
		t.Errorf("%d releases for 2 credits", n)
	}
	f.done(3, got...)
	got = f.take(3)
	f.done(0, got...)
	if again := w.follow("messenger", 0); again == nil || w.recorded() > 5 {
		t.Errorf("%d releases", w.recorded())
	}
}

func TestEventsOfAnAccountComeInOrderOneAfterTheOther(t *testing.T) {
	w := newEventWorld(t)
	id := w.give("messenger", "A1")
	f := w.follow("messenger", 100)
	for n := int64(1); n <= 5; n++ {
		w.publish(n, "A1")
	}
	for n := int64(1); n <= 5; n++ {
		e := f.take(1)[0]
		if units(e) != n || whose(e) != pairwiseOf("A1") || e.GetConsentId() != string(id) || e.GetRedelivered() {
			t.Errorf("event = %v, want the %dth", e, n)
		}
		if e.GetEventId() == "" || e.GetKind() != partnerv1.EventKind_EVENT_KIND_BALANCE_CHANGED || e.GetPublishedAt().AsTime() != noon ||
			e.GetBalance().GetRelease().GetConsentId() != string(id) {
			t.Errorf("event = %v", e)
		}
		if w.recorded() != int(n) {
			t.Errorf("%d releases, want %d: the next is not out before this one is acknowledged", w.recorded(), n)
		}
		f.done(1, e)
	}
	if r := w.records[0]; r.Method != "sluice.partner.v1.EventService/Subscribe" || !r.Pushed || !strings.HasPrefix(r.RequestID, "req_") {
		t.Errorf("on record: %+v", r)
	}
}

func TestWhatIsNotAcknowledgedComesAgainAndSaysSo(t *testing.T) {
	w := newEventWorld(t)
	w.give("messenger", "A1")
	f := w.follow("messenger", 100)
	w.publish(1, "A1")
	first := f.take(1)[0]
	w.pass(feed.AckWait + time.Second)
	again := f.take(1)[0]
	if !again.GetRedelivered() || again.GetEventId() != first.GetEventId() || first.GetRedelivered() {
		t.Errorf("first %v\nagain %v", first, again)
	}
	failed := &partnerv1.AcknowledgeEventsRequest{Acknowledgements: []*partnerv1.Acknowledgement{{DeliveryId: again.GetDeliveryId(), Error: "busy"}}}
	if _, err := w.as("messenger").AcknowledgeEvents(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	w.publish(2, "A1")
	w.pass(2 * time.Second)
	if third := f.take(1)[0]; third.GetEventId() != first.GetEventId() || !third.GetRedelivered() {
		t.Errorf("after an error: %v, want the same again", third)
	} else {
		f.done(1, third)
	}
	if next := f.take(1)[0]; units(next) != 2 || next.GetRedelivered() {
		t.Errorf("next = %v, want the second event", next)
	}
}

func TestAStreamThatIsCutLosesNothing(t *testing.T) {
	w := newEventWorld(t)
	all := accountNames(40)
	w.give("messenger", all...)
	f := w.follow("messenger", 11)
	w.publish(1, all...)
	got := f.take(10)
	f.done(0, got[:5]...)
	acked := map[string]bool{}
	for _, e := range got[:5] {
		acked[e.GetEventId()] = true
	}
	// All acknowledgements that were sent are heard before the stream ends.
	if err := f.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := f.end(); !errors.Is(err, io.EOF) {
		t.Fatalf("the stream ended with %v", err)
	}
	left := w.recorded() - 5
	w.pass(feed.Lease + time.Second)
	seen, redelivered := map[string]bool{}, 0
	f = w.follow("messenger", 100)
	for len(seen) < 35 {
		e := f.take(1)[0]
		if acked[e.GetEventId()] || seen[e.GetEventId()] {
			t.Fatalf("%v came again", e)
		}
		seen[e.GetEventId()] = true
		if e.GetRedelivered() {
			redelivered++
		}
		f.done(1, e)
	}
	if redelivered != left {
		t.Errorf("%d said that they may have come before, want the %d that had", redelivered, left)
	}
}

func TestSeveralStreamsShareTheLoad(t *testing.T) {
	w := newEventWorld(t)
	all := accountNames(64)
	w.give("messenger", all...)
	count := make(chan [2]int, 1000)
	for i := range 2 {
		f := w.follow("messenger", 500)
		go func() {
			for {
				m, err := f.stream.Recv()
				if err != nil {
					return
				}
				r := &partnerv1.SubscribeRequest{Credits: int32(len(m.GetEvents()))}
				for _, e := range m.GetEvents() {
					r.Acknowledgements = append(r.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
					if e.GetBalance() != nil {
						count <- [2]int{i, 1}
					}
				}
				if f.stream.Send(r) != nil {
					return
				}
			}
		}()
	}
	var had [2]int
	deadline := time.After(15 * time.Second)
	for round := int64(1); had[0] == 0 || had[1] == 0; round++ {
		w.publish(round, all...)
		for range all {
			select {
			case c := <-count:
				had[c[0]]++
			case <-deadline:
				t.Fatalf("the streams had %v events", had)
			}
		}
	}
}

func TestARevokeBeforeDeliveryLeavesTheChangeAlone(t *testing.T) {
	w := newEventWorld(t)
	id := w.give("messenger", "A1")
	kept := w.give("messenger", "A2")
	w.publish(1, "A1", "A2")
	w.revoke(id)
	f := w.follow("messenger", 100)
	var told []partnerv1.EventKind
	for {
		m, err := f.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range m.GetEvents() {
			if e.GetConsentId() == string(id) {
				told = append(told, e.GetKind())
			}
			if e.GetBalance() != nil && e.GetConsentId() != string(kept) {
				t.Errorf("delivered %v", e)
			}
			f.done(1, e)
		}
		if n := len(told); n == 2 {
			break
		}
	}
	want := partnerv1.EventKind_EVENT_KIND_CONSENT_CHANGED
	if !slices.Equal(told, []partnerv1.EventKind{want, want}) {
		t.Errorf("told of %v, want the two changes alone", told)
	}
	w.dropped(feed.BalanceChanged, "CONSENT_REVOKED")
}

func TestAPauseDropsAndANarrowTakesEffect(t *testing.T) {
	w := newEventWorld(t)
	paused := w.give("messenger", "A1")
	narrowed := w.give("messenger", "A2", "A3")
	w.publish(1, "A1", "A2", "A3")
	w.tell(w.book.Pause(t.Context(), w.customer(), paused, 0))
	w.tell(w.book.WithdrawAccount(t.Context(), w.customer(), narrowed, 0, "A2"))
	f := w.follow("messenger", 100)
	e := f.take(1)[0]
	if whose(e) != pairwiseOf("A3") {
		t.Errorf("delivered %v, want A3", e)
	}
	f.done(0, e)
	w.dropped(feed.BalanceChanged, "CONSENT_PAUSED")
	w.tell(w.book.Resume(t.Context(), w.customer(), paused, 0))
	w.publish(2, "A1")
	f.done(10)
	if e := f.take(1)[0]; units(e) != 2 {
		t.Errorf("after the pause: %v, want the new balance, not the old", e)
	}
}

// A revoke that comes while an event is on its way out takes it back, or waits
// until it has left; once it is done nothing more comes.
func TestARevokeWhileEventsFlowEndsThem(t *testing.T) {
	w := newEventWorld(t)
	id := w.give("messenger", "A1")
	f := w.follow("messenger", 100)
	revoked := make(chan struct{})
	w.onRecord = func(e disclosure.Entry) {
		select {
		case <-revoked:
			t.Error("a release was recorded after the revoke returned")
		default:
		}
	}
	var last int64
	for n := int64(1); n <= 20; n++ {
		w.publish(n, "A1")
		if n == 15 {
			w.revoke(id)
			close(revoked)
		}
		if n < 15 {
			e := f.take(1)[0]
			last = units(e)
			f.done(1, e)
		}
	}
	if err := f.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := f.stream.Recv()
		if err != nil {
			break
		}
		for _, e := range m.GetEvents() {
			if e.GetBalance() != nil && units(e) > 15 {
				t.Errorf("delivered %v after the revoke", e)
			}
		}
	}
	if last != 14 {
		t.Errorf("the last before it was %d", last)
	}
}

func TestAPartnerThatDoesNotReadIsBoundedAndHarmsNobody(t *testing.T) {
	w := newEventWorld(t)
	all := accountNames(450)
	var ids []consent.ID
	for part := range slices.Chunk(all, 90) {
		ids = append(ids, w.give("messenger", part...))
		w.give("wallet", part...)
	}
	idle := w.follow("messenger", 1000)
	w.publish(1, all...)
	busy := w.follow("wallet", 1000)
	for got := 0; got < 450; {
		events := busy.take(1)
		got += len(events)
		busy.done(int32(len(events)), events...)
	}
	for _, id := range ids {
		began := time.Now()
		w.revoke(id)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the revoke waited %s for a partner that does not read", took)
		}
	}
	var bytes, after int
	for stop := time.After(700 * time.Millisecond); ; { // it reads again
		got := make(chan *partnerv1.SubscribeResponse, 1)
		go func() {
			if m, err := idle.stream.Recv(); err == nil {
				got <- m
			}
		}()
		select {
		case m := <-got:
			for _, e := range m.GetEvents() {
				if e.GetBalance() != nil {
					bytes += proto.Size(e)
					after++
				}
			}
			continue
		case <-stop:
		}
		break
	}
	if bytes > 40<<10 || after == 0 {
		t.Errorf("%d bytes of %d events could still be read, want some, and at most a window", bytes, after)
	}
}

func TestNobodyAcknowledgesWhatIsNotHis(t *testing.T) {
	w := newEventWorld(t)
	w.give("messenger", "A1")
	w.publish(1, "A1")
	e := w.follow("messenger", 100).take(1)[0]
	for name, id := range map[string]string{"another's": e.GetDeliveryId(), "made up": "x"} {
		acks := []*partnerv1.Acknowledgement{{DeliveryId: id}}
		if _, err := w.as("wallet").AcknowledgeEvents(t.Context(), &partnerv1.AcknowledgeEventsRequest{Acknowledgements: acks}); refusedFor(err) != "INVALID_REQUEST" {
			t.Errorf("%s: %v, want INVALID_REQUEST", name, err)
		}
		f := w.follow("wallet", 0)
		f.say(&partnerv1.SubscribeRequest{Acknowledgements: acks})
		if err := f.end(); refusedFor(err) != "INVALID_REQUEST" {
			t.Errorf("%s, on a stream: %v, want INVALID_REQUEST", name, err)
		}
	}
}

func TestAMalformedWordEndsTheStreamWithAReason(t *testing.T) {
	w := newEventWorld(t)
	if err := w.follow("messenger", 1001).end(); refusedFor(err) != "INVALID_REQUEST" {
		t.Errorf("stream = %v, want INVALID_REQUEST", err)
	}
}

func TestASuspendedPartnersStreamEndsAndItsEventsWait(t *testing.T) {
	w := newEventWorld(t)
	w.give("messenger", "A1")
	w.publish(1, "A1")
	w.stand(registry.Suspended)
	if err := w.follow("messenger", 100).end(); refusedFor(err) != "PARTNER_SUSPENDED" {
		t.Errorf("stream = %v, want PARTNER_SUSPENDED", err)
	}
	w.stand(registry.Active)
	w.pass(feed.Lease + feed.AckWait)
	if e := w.follow("messenger", 100).take(1)[0]; units(e) != 1 {
		t.Errorf("then %v", e)
	}
}

// A change of a consent is no data, but nothing is for a suspended partner.
func TestASuspendedPartnerGetsNoChangeEither(t *testing.T) {
	for name, standing := range map[string]registry.Standing{"suspended": registry.Suspended, "registered no more": registry.Unknown} {
		w := newEventWorld(t)
		s, end := w.subscribe(with(t, map[string]any{"scope": "consents"}), 100)
		w.give("messenger", "A1")
		s.asks <- &partnerv1.SubscribeRequest{Acknowledgements: []*partnerv1.Acknowledgement{{DeliveryId: (<-s.came).GetDeliveryId()}}}
		w.stand(standing)
		w.give("messenger", "A2")
		s.asks <- &partnerv1.SubscribeRequest{}
		if err := ended(t, end); refusal.ReasonOf(err) != refusal.PartnerSuspended {
			t.Errorf("%s: stream = %v, want PARTNER_SUSPENDED", name, err)
		}
		if len(s.came) != 0 {
			t.Errorf("%s: and got %v", name, <-s.came)
		}
		if _, err := w.as("messenger").PullEvents(t.Context(), &partnerv1.PullEventsRequest{}); refusedFor(err) != "PARTNER_SUSPENDED" {
			t.Errorf("%s: pull = %v, want PARTNER_SUSPENDED", name, err)
		}
	}
}

func TestAnIdleStreamOfASuspendedPartnerEnds(t *testing.T) {
	w := newEventWorld(t)
	_, end := w.subscribe(with(t, map[string]any{"scope": "consents"}), 100)
	w.stand(registry.Suspended)
	w.pass(30 * time.Second)
	if err := ended(t, end); refusal.ReasonOf(err) != refusal.PartnerSuspended {
		t.Errorf("stream = %v, want PARTNER_SUSPENDED", err)
	}
}

func TestAStreamThatIsNotWorkedThroughEnds(t *testing.T) {
	for name, credits := range map[string]int32{"without credit to give it again": 2, "given again": 100} {
		w := newEventWorld(t)
		w.give("messenger", "A1")
		w.publish(1, "A1")
		f := w.follow("messenger", credits)
		f.take(1)
		if credits > 2 {
			w.pass(feed.AckWait + time.Second)
			f.take(1)
		}
		w.pass(2*feed.AckWait + time.Second)
		if err := f.end(); refusedFor(err) != "DEADLINE_EXCEEDED" {
			t.Errorf("%s: stream = %v, want DEADLINE_EXCEEDED", name, err)
		}
		if e := w.follow("messenger", 100).take(1)[0]; !e.GetRedelivered() { // at once: it was handed over
			t.Errorf("%s: then %v", name, e)
		}
	}
}

func TestEventsArePulledAcknowledgedAndOnRecord(t *testing.T) {
	w := newEventWorld(t)
	all := accountNames(5)
	w.give("messenger", all...)
	w.publish(1, all...)
	client := w.as("messenger")
	seen := map[string]bool{}
	for deadline := time.Now().Add(10 * time.Second); len(seen) < 5 && time.Now().Before(deadline); {
		out, err := client.PullEvents(t.Context(), &partnerv1.PullEventsRequest{MaxEvents: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.GetEvents()) > 2 {
			t.Fatalf("%d events, asked for 2", len(out.GetEvents()))
		}
		r := &partnerv1.AcknowledgeEventsRequest{}
		for _, e := range out.GetEvents() {
			r.Acknowledgements = append(r.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
			if e.GetBalance() != nil {
				seen[whose(e)] = true
			}
		}
		for range 2 { // acknowledging again is fine
			if _, err := client.AcknowledgeEvents(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != 5 || w.recorded() != 5 || w.records[0].Method != "sluice.partner.v1.EventService/PullEvents" {
		t.Errorf("%d events with %d records", len(seen), w.recorded())
	}
	if out, err := client.PullEvents(t.Context(), &partnerv1.PullEventsRequest{}); err != nil || len(out.GetEvents()) != 0 {
		t.Errorf("then %v, %v, want nothing", out, err)
	}
}

func TestATokenOfOneConsentTakesNoEvents(t *testing.T) {
	w := newEventWorld(t)
	w.access = registry.ByToken
	door := partnerapi.NewEvents(w.gate, w.feed, gateway.NewPairwise(nil), nil, nil, w.now)
	for name, tt := range map[string]struct {
		claims  map[string]any
		refused bool
	}{
		"of a consent": {of("con_1"), true}, "for consents": {map[string]any{"scope": "consents"}, false},
	} {
		var r registrar
		door.Register(&r)
		for _, m := range r.desc.Methods {
			if m.MethodName != "PullEvents" {
				continue
			}
			if _, err := m.Handler(door, with(t, tt.claims), func(any) error { return nil }, nil); (err != nil) != tt.refused || tt.refused && refusal.ReasonOf(err) != refusal.TokenInvalid {
				t.Errorf("a token %s: %v", name, err)
			}
		}
	}
}
