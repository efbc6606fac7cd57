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
