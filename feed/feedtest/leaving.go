package feedtest

import (
	"context"
	"fmt"
	"testing"

	"sluice/consent"
	"sluice/feed"
)

// Leave ends a consumer's turn.
func (m *Memory) Leave(ctx context.Context, partner consent.PartnerID, consumer string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.moment()
	for s, l := range m.leases {
		if s.partner == partner && l.Consumer == consumer {
			m.takeOver(s, consumer, at)
			m.leases[s] = feed.Leased{Shard: s.nth}
		}
	}
	for _, d := range m.waiting { // and what is out in shards that it let go
		if d.Partner == partner && d.consumer == consumer && d.due.After(at) {
			d.due, d.consumer = at, ""
		}
	}
	delete(m.seen[partner], consumer)
	return nil
}

func leaving(t *testing.T, w *world) {
	ctx := context.Background()
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2", "A3")...)
	w.told(p)
	w.publish(balance("A1", 1), balance("A2", 1), balance("A3", 1))
	out := w.due(p, "leaves", 10)
	if len(out) != 3 {
		t.Fatalf("%d deliveries, want 3", len(out))
	}
	w.ack(p, "leaves", "", out[0])
	if got := w.due(p, "stays", 10); len(got) != 0 {
		t.Errorf("%v is out, and was given out", got)
	}
	if err := w.Leave(ctx, p, "leaves"); err != nil {
		t.Fatal(err)
	}
	got := w.due(p, "stays", 10)
	if len(got) != 2 {
		t.Fatalf("%d deliveries, want the 2 that were out", len(got))
	}
	for _, d := range got {
		if !d.Redelivered() {
			t.Errorf("%v does not say that it may have come before", d)
		}
	}
	if err := w.Leave(ctx, p, "leaves"); err != nil { // again, and when nothing is its own
		t.Fatal(err)
	}
	if more := w.due(p, "stays", 10); len(more) != 0 {
		t.Errorf("%v was taken from who has it", more)
	}
}

// leavingLater is of a consumer that lets go of shards to another while it has
// something out in them, and leaves.
func leavingLater(t *testing.T, w *world) {
	p := w.partner("messenger")
	first, second := many(), many()
	for i := range second {
		second[i] = "B" + second[i]
	}
	w.allow("con_1", p, shares(everything, first...)...)
	w.allow("con_2", p, shares(everything, second...)...)
	w.told(p)
	w.publishEach(first, 1)
	out := w.due(p, "leaves", 1000)
	w.publishEach(second, 1)
	same(t, "what another is given while all is leased", len(w.due(p, "stays", 1000)), 0)
	out = append(out, w.due(p, "leaves", 1000)...) // and lets go of half
	if err := w.Leave(t.Context(), p, "leaves"); err != nil {
		t.Fatal(err)
	}
	got := w.due(p, "stays", 1000)
	same(t, "what another is given then", len(got), len(first)+len(second))
	again := 0
	for _, d := range got {
		if d.Redelivered() {
			again++
		}
	}
	same(t, "what says that it comes again", again, len(out))
}
