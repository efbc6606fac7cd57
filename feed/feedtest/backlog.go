package feedtest

import (
	"context"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
)

// Backlog says what a partner has not taken.
func (m *Memory) Backlog(_ context.Context, partner consent.PartnerID) (feed.Backlog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b feed.Backlog
	for _, d := range m.waiting {
		if d.Partner != partner {
			continue
		}
		b.Waiting++
		b.Age = max(b.Age, m.moment().Sub(d.Event.PublishedAt))
	}
	for _, d := range m.dead {
		if d.Partner == partner {
			b.PutAside++
		}
	}
	b.Waiting, b.PutAside = min(b.Waiting, feed.MostCounted), min(b.PutAside, feed.MostCounted)
	return b, nil
}

func backlog(t *testing.T, w *world) {
	p, other := w.partner("messenger"), w.partner("wallet")
	w.allow("con_1", p, shares(everything, "A1", "A2")...)
	w.allow("con_2", other, shares(everything, "A2")...)
	w.told(p)
	w.told(other)
	look := func(of consent.PartnerID) feed.Backlog {
		t.Helper()
		b, err := w.Backlog(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same(t, "a backlog of nothing", look(p), feed.Backlog{})
	w.publish(balance("A1", 1))
	w.pass(time.Minute)
	w.publish(balance("A1", 2), balance("A2", 1))
	same(t, "a backlog", look(p), feed.Backlog{Waiting: 3, Age: time.Minute})
	same(t, "another's backlog", look(other), feed.Backlog{Waiting: 1})
	same(t, "a stranger's backlog", look("nobody"), feed.Backlog{})
	for range feed.MaxErrors { // A1 fails for good; A2 is taken
		for _, d := range w.due(p, "a", 10) {
			failure := ""
			if d.Event.Account == "A1" && d.Event.Sequence == 1 {
				failure = "no"
			}
			w.ack(p, "a", failure, d)
		}
		w.pass(time.Hour)
	}
	same(t, "a backlog after", look(p), feed.Backlog{Waiting: 1, Age: feed.MaxErrors * time.Hour, PutAside: 1})
}
