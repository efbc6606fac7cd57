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

// crowd is everybody at work on one feed at once.
type crowd struct {
	*world
	t        *testing.T
	accounts []consent.AccountID
	seen     sync.Map // ids of deliveries
}

const eachOfCrowd = 8

// together has a bank publish twice over, several consumers take and
// acknowledge, and a consent change, all at once.
func together(t *testing.T, w *world) {
	c := crowd{world: w, t: t, accounts: many()[:20]}
	p, q := w.partner("messenger"), w.partner("wallet")
	w.allow("con_1", p, shares(everything, c.accounts...)...)
	w.allow("con_2", q, shares(everything, c.accounts...)...)
	changing := w.allow("con_3", p, shares(everything, "other")...)
	w.told(p)
	w.told(q)
	var sides sync.WaitGroup
	sides.Go(func() { c.publishAll(false) })
	sides.Go(func() { c.publishAll(true) })
	for i := range 6 {
		sides.Go(func() { c.consume([]consent.PartnerID{p, q}[i%2], fmt.Sprint("consumer ", i)) })
	}
	for range eachOfCrowd {
		changing = w.keep(changing.Pause(customer, w.now()))
		changing = w.keep(changing.Resume(customer, w.now()))
	}
	sides.Wait()
	w.pass(2 * feed.Lease)
	for _, partner := range []consent.PartnerID{p, q} {
		for _, d := range w.drain(partner, "last") {
			c.see(d)
		}
	}
	n := 0
	c.seen.Range(func(any, any) bool { n++; return true })
	same(t, "deliveries in all", n, 2*len(c.accounts)*eachOfCrowd+2*eachOfCrowd)
}

func (c *crowd) publishAll(backwards bool) {
	for s := int64(1); s <= eachOfCrowd; s++ {
		var batch []feed.Event
		for _, a := range c.accounts {
			batch = append(batch, balance(a, s))
		}
		if backwards {
			slices.Reverse(batch)
		}
		if _, _, err := c.Publish(context.Background(), c.bank, batch); err != nil {
			c.t.Errorf("Publish: %v", err)
		}
	}
}

func (c *crowd) consume(partner consent.PartnerID, consumer string) {
	for range 100 {
		due, err := c.Due(context.Background(), partner, consumer, feed.Room{Events: 20})
		if err != nil {
			c.t.Errorf("Due: %v", err)
		}
		var acks []feed.Ack
		for _, d := range due {
			c.see(d)
			acks = append(acks, feed.Ack{Shard: d.Shard, Pos: d.Pos})
		}
		if err := c.Acknowledge(context.Background(), partner, consumer, acks); err != nil {
			c.t.Errorf("Acknowledge: %v", err)
		}
	}
}

func (c *crowd) see(d feed.Delivery) {
	if _, twice := c.seen.LoadOrStore(d.Event.ID, true); twice {
		c.t.Errorf("%v was given out twice", d)
	}
}
