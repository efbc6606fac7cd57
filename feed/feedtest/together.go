package feedtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sluice/consent"
	"sluice/feed"
)

// together has banks publish, several consumers take and acknowledge, and a
// consent change, all at once.
func together(t *testing.T, w *world) {
	const each = 8
	ctx := context.Background()
	p, q := w.partner("messenger"), w.partner("wallet")
	accounts := many()[:20]
	w.allow("con_1", p, shares(everything, accounts...)...)
	w.allow("con_2", q, shares(everything, accounts...)...)
	changing := w.allow("con_3", p, shares(everything, "other")...)
	w.told(p)
	w.told(q)

	var sides sync.WaitGroup
	for half := range 2 {
		sides.Go(func() {
			for s := int64(1); s <= each; s++ {
				var batch []feed.Event
				for _, a := range accounts {
					batch = append(batch, balance(a, s))
				}
				if half == 1 { // both send all, in other orders
					slices.Reverse(batch)
				}
				if _, _, err := w.Publish(ctx, w.bank, batch); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	seen := sync.Map{}
	for i := range 6 {
		partner := []consent.PartnerID{p, q}[i%2]
		sides.Go(func() {
			for range 100 {
				due, err := w.Due(ctx, partner, fmt.Sprint("consumer ", i), 20)
				if err != nil {
					t.Errorf("Due: %v", err)
					return
				}
				var acks []feed.Ack
				for _, d := range due {
					if _, twice := seen.LoadOrStore(d.Event.ID, d); twice {
						t.Errorf("%v was given out twice", d)
					}
					acks = append(acks, feed.Ack{Shard: d.Shard, Pos: d.Pos})
				}
				if err := w.Acknowledge(ctx, partner, fmt.Sprint("consumer ", i), acks); err != nil {
					t.Errorf("Acknowledge: %v", err)
				}
			}
		})
	}
	for range each {
		changing = w.keep(changing.Pause(customer, w.now()))
		changing = w.keep(changing.Resume(customer, w.now()))
	}
	sides.Wait()
	w.pass(2 * feed.Lease)
	for _, partner := range []consent.PartnerID{p, q} {
		for _, d := range w.drain(partner, "last") {
			if _, twice := seen.LoadOrStore(d.Event.ID, d); twice {
				t.Errorf("%v was given out twice", d)
			}
		}
	}
	n := 0
	seen.Range(func(any, any) bool { n++; return true })
	same(t, "deliveries in all", n, 2*len(accounts)*each+2*each)
}
