package feedtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/feed"
	datav1 "sluice/gen/sluice/data/v1"
)

const (
	pending   = datav1.TransactionStatus_TRANSACTION_STATUS_PENDING
	posted    = datav1.TransactionStatus_TRANSACTION_STATUS_POSTED
	cancelled = datav1.TransactionStatus_TRANSACTION_STATUS_CANCELLED
)

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func sentAgain(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2")...)
	w.told(p)
	batch := []feed.Event{balance("A1", 1), balance("A2", 1), balance("A1", 2)}
	want := []feed.Position{{Account: "A1", Sequence: 2}, {Account: "A2", Sequence: 1}}
	for range 3 {
		got, rejected := w.publish(batch...)
		same(t, "positions", got, want)
		same(t, "rejections", len(rejected), 0)
		slices.Reverse(batch)
	}
	same(t, "what is delivered", says(w.drain(p, "a")), []string{"A1/1", "A1/2", "A2/1"})
	w.publish(batch...)
	same(t, "what is delivered of a batch that was", says(w.drain(p, "a")), []string{})
	got, err := w.Positions(t.Context(), w.bank, []consent.AccountID{"A2", "A9", "A1"})
	same(t, "error", err, nil)
	same(t, "positions asked for", got, []feed.Position{{Account: "A2", Sequence: 1}, {Account: "A9"}, {Account: "A1", Sequence: 2}})
}

func gaps(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.told(p)
	got, _ := w.publish(balance("A1", 4), balance("A1", 1), balance("A1", 3))
	same(t, "positions", got, []feed.Position{{Account: "A1", Sequence: 1, MissingFrom: 2}})
	kept, _ := w.Positions(t.Context(), w.bank, []consent.AccountID{"A1"})
	same(t, "positions asked for", kept, got)
	same(t, "what is delivered", says(w.drain(p, "a")), []string{"A1/1"})
	got, _ = w.publish(balance("A1", 2), balance("A1", 3))
	same(t, "positions with more to come", got, []feed.Position{{Account: "A1", Sequence: 3, MissingFrom: 4}})
	got, _ = w.publish(balance("A1", 4))
	same(t, "positions at last", got, []feed.Position{{Account: "A1", Sequence: 4}})
	same(t, "what is delivered then", says(w.drain(p, "a")), []string{"A1/2", "A1/3", "A1/4"})
}

func early(t *testing.T, w *world) {
	too := balance("A1", 2)
	too.Early = true
	for n, want := range []feed.Position{{Account: "A1", MissingFrom: 1}, {Account: "A1", Sequence: 1, MissingFrom: 2}} {
		events := []feed.Event{balance("A1", 1), too}
		got, rejected := w.publish(events[1-n:]...)
		same(t, "positions", got, []feed.Position{want})
		same(t, "rejections", len(rejected), 0)
	}
	got, _ := w.publish(balance("A1", 2))
	same(t, "positions once it is in time", got, []feed.Position{{Account: "A1", Sequence: 2}})
	got, _ = w.publish(too)
	same(t, "positions when it was taken already", got, []feed.Position{{Account: "A1", Sequence: 2}})
}

func absurd(t *testing.T, w *world) {
	for _, s := range []int64{math.MaxInt64, 1 << 62, feed.MostAhead + 2, math.MinInt64} {
		got, rejected := w.publish(balance("A1", 1), balance("A1", s))
		same(t, "positions", got, []feed.Position{{Account: "A1", Sequence: 1}})
		if len(rejected) != 1 || rejected[0].Sequence != s || rejected[0].Field != "sequence" {
			t.Errorf("sequence %d: rejected %+v", s, rejected)
		}
	}
	got, rejected := w.publish(balance("A1", feed.MostAhead+1))
	same(t, "positions after one that may be", got, []feed.Position{{Account: "A1", Sequence: 1, MissingFrom: 2}})
	same(t, "rejections of one that may be", len(rejected), 0)
}

func badEvents(t *testing.T, w *world) {
	bad := balance("A1", 2)
	bad.Kind = feed.ConsentChanged
	unkeepable := balance("A\x00", 1)
	nameless := transaction("A3", 1, feed.TransactionPosted, "", posted, "")
	positions, rejected := w.publish(balance("A1", 1), bad, balance("A1", 3), balance("A2", 1), nameless, unkeepable)
	same(t, "positions", positions, []feed.Position{
		{Account: "A1", Sequence: 1, MissingFrom: 2}, {Account: "A2", Sequence: 1}, {Account: "A3"},
	})
	fields := []string{}
	for _, r := range rejected {
		fields = append(fields, fmt.Sprintf("%s %d %s", r.Account, r.Sequence, r.Field))
	}
	same(t, "rejections", fields, []string{"A\x00 1 account_id", "A1 2 what", "A3 1 what.transaction_id"})
	counts, err := w.Counts(t.Context(), string(w.bank), consent.DayOf(w.now()))
	same(t, "error", err, nil)
	same(t, "counts", counts, map[string]int{"rejected what": 1, "rejected what.transaction_id": 1})
	if _, _, err := w.Publish(t.Context(), w.bank, make([]feed.Event, feed.MaxBatch+1)); err == nil {
		t.Error("a batch that is too large was taken")
	}
}

func identities(t *testing.T, w *world) {
	tx := func(seq int64, kind feed.Kind, id string, status datav1.TransactionStatus, replaces string) feed.Event {
		return transaction("A1", seq, kind, id, status, replaces)
	}
	const fresh, changed = feed.TransactionPosted, feed.TransactionChanged
	for i, test := range []struct {
		event feed.Event
		field string // of the rejection; "" if it is taken
	}{
		{tx(1, fresh, "t1", pending, ""), ""},
		{tx(1, fresh, "t1", pending, ""), ""},
		{tx(1, fresh, "t0", pending, ""), "what.transaction_id"}, // shifted
		{tx(2, fresh, "t1", posted, ""), "what.transaction_id"},  // used again
		{tx(2, fresh, "t2", cancelled, ""), "what.status"},
		{tx(2, changed, "t1", pending, ""), ""},
		{tx(3, changed, "t1", posted, ""), ""},
		{tx(4, changed, "t1", posted, ""), "what.transaction_id"}, // final
		{tx(4, changed, "t1", pending, ""), "what.transaction_id"},
		{tx(4, fresh, "t2", pending, "t1"), "what.replaces"},
		{tx(4, fresh, "t2", pending, ""), ""},
		{tx(5, changed, "t2-final", posted, "t2"), ""}, // the id changes with the posting
		{tx(6, changed, "t2", posted, ""), "what.transaction_id"},
		{tx(6, fresh, "t2", pending, ""), "what.transaction_id"},
		{tx(6, changed, "t3", posted, "t2"), "what.replaces"},
		{tx(6, fresh, "t4", pending, ""), ""},
		{tx(7, changed, "t4", cancelled, ""), ""},
		{tx(8, changed, "t4", posted, ""), "what.transaction_id"},
		{tx(8, changed, "from before the feed", posted, ""), ""},
		{tx(9, changed, "t5", 9, ""), "what.status"},
		{tx(5, changed, "t4", posted, ""), "what.transaction_id"}, // sent again as another
		{tx(3, changed, "t1", posted, ""), ""},
		{tx(5, changed, "t2-final", posted, "t2"), ""},
		{transaction("A2", 1, fresh, "t1", posted, ""), ""}, // ids are an account's own
		{transaction("A2", 2, fresh, "t2", pending, ""), ""},
		{transaction("A2", 3, changed, "t2-new", pending, "t2"), ""},
		{transaction("A2", 4, changed, "t2-new", posted, "t2"), ""}, // says again whom it replaces
	} {
		before, _ := w.Positions(t.Context(), w.bank, []consent.AccountID{test.event.Account})
		after, rejected := w.publish(test.event)
		field := ""
		for _, r := range rejected {
			field = r.Field
		}
		if field != test.field {
			t.Errorf("event %d (%+v): rejected for %q, want %q", i, test.event.Transaction, field, test.field)
		}
		if field != "" && after[0].Sequence != before[0].Sequence {
			t.Errorf("event %d was rejected and moved the account to %d", i, after[0].Sequence)
		}
	}
}

// racing publishes one bank's events from many sides, each in batches of its
// own making, until all are there.
func racing(t *testing.T, w *world) {
	p := w.partner("messenger")
	accounts := []consent.AccountID{"A1", "A2", "A3", "A4", "A5"}
	w.allow("con_1", p, shares(everything, accounts...)...)
	w.told(p)
	const each = 12
	var senders sync.WaitGroup
	for sender := range 6 {
		senders.Go(func() {
			for n := sender; ; n++ {
				at, err := w.Positions(context.Background(), w.bank, accounts)
				if err != nil {
					t.Errorf("Positions: %v", err)
					return
				}
				batch := around(at, each, n)
				if len(batch) == 0 {
					return
				}
				if _, _, err := w.Publish(context.Background(), w.bank, batch); err != nil {
					t.Errorf("Publish: %v", err)
					return
				}
			}
		})
	}
	senders.Wait()
	next := map[consent.AccountID]int64{}
	for _, d := range w.drain(p, "a") {
		next[d.Event.Account]++
		same(t, "the next event of "+string(d.Event.Account), d.Event.Sequence, next[d.Event.Account])
	}
	for _, a := range accounts {
		same(t, "events delivered of "+string(a), next[a], int64(each))
	}
}

// around are events just before and behind positions, in an order of the nth's
// own; none if all are at the last.
func around(at []feed.Position, last int64, nth int) []feed.Event {
	var batch []feed.Event
	for _, a := range at {
		for s := max(a.Sequence-2, 1); s <= min(a.Sequence+3, last); s++ {
			batch = append(batch, balance(a.Account, s))
		}
	}
	if !slices.ContainsFunc(at, func(a feed.Position) bool { return a.Sequence < last }) {
		return nil
	}
	slices.SortFunc(batch, func(a, b feed.Event) int { return shuffled(a, nth) - shuffled(b, nth) })
	return batch
}

func shuffled(e feed.Event, nth int) int {
	return feed.ShardOf(string(e.Account), fmt.Sprint(e.Sequence, nth))
}
