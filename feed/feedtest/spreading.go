package feedtest

import (
	"fmt"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/seal"
)

func covered(t *testing.T, w *world) {
	balances := consent.ClustersOf(consent.Balances)
	p, q := w.partner("messenger"), w.partner("wallet")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.allow("con_2", q, append(shares(balances, "A1"), shares(everything, "A2")...)...)
	at := w.now()
	by := func(c consent.Consent) (consent.Consent, consent.Actor, time.Time) { return c, customer, at }
	paused := w.allow("con_3", p, shares(everything, "A3")...)
	c, actor, when := by(paused)
	paused = w.keep(c.Pause(actor, when))
	c, actor, when = by(w.allow("con_4", p, shares(everything, "A3")...))
	w.keep(c.Revoke(actor, when))
	c, actor, when = by(w.allow("con_5", q, shares(everything, "A3", "A4")...))
	w.keep(c.Narrow(consent.Narrowing{Shares: shares(balances, "A3")}, actor, when))
	w.told(p)
	w.told(q)

	alert := func(a consent.AccountID, seq int64) feed.Event {
		e := balance(a, seq)
		e.Kind = feed.AlertRaised
		return e
	}
	for _, a := range []consent.AccountID{"A1", "A2", "A3", "A4"} {
		left := balance(a, 4)
		left.Kind = feed.AccountWithdrawn
		w.publish(balance(a, 1), alert(a, 2), transaction(a, 3, feed.TransactionPosted, "t", posted, ""), left)
	}
	same(t, "what the messenger is told", says(w.drain(p, "a")), []string{"A1/1", "A1/2", "A1/3"})
	same(t, "what the wallet is told", says(w.drain(q, "a")), []string{"A1/1", "A2/1", "A2/2", "A2/3", "A3/1"})

	w.keep(paused.Resume(customer, w.now()))
	w.told(p)
	w.publish(balance("A3", 5))
	same(t, "what is told when it is resumed", says(w.drain(p, "a")), []string{"A3/5"})
	w.drain(q, "a")
	w.pass(91 * 24 * time.Hour)
	w.publish(balance("A1", 5), balance("A3", 6))
	same(t, "what is told beyond the consent's end", says(w.drain(p, "a")), []string{})
}

func ownIDs(t *testing.T, w *world) {
	p, q := w.partner("messenger"), w.partner("wallet")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.allow("con_2", q, shares(everything, "A1")...)
	w.told(p)
	w.told(q)
	w.publish(balance("A1", 1))
	mine, theirs := w.due(p, "a", 10), w.due(q, "a", 10)
	if len(mine) != 1 || len(theirs) != 1 || len(mine[0].Event.ID) < 20 || mine[0].Event.ID == theirs[0].Event.ID {
		t.Fatalf("the partners were given %+v and %+v", mine, theirs)
	}
	w.pass(2 * feed.AckWait)
	if next := w.due(p, "a", 10); len(next) != 1 || next[0].Event.ID != mine[0].Event.ID {
		t.Errorf("redelivered as %+v, want the id %s", next, mine[0].Event.ID)
	}
}

func erased(t *testing.T, w *world) {
	p, q := w.partner("messenger"), w.partner("wallet")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.allow("con_2", q, shares(everything, "A1")...)
	w.told(p)
	w.told(q)
	e := transaction("A1", 1, feed.TransactionPosted, "t1", posted, "")
	w.publish(e, balance("A9", 1)) // nobody is told of A9
	same(t, "contents kept", w.rig.Payloads(t, w.bank), 1)
	got := w.drain(p, "a")
	same(t, "contents kept while another waits", w.rig.Payloads(t, w.bank), 1)
	same(t, "the other's", says(w.drain(q, "b")), []string{"A1/1"})
	same(t, "contents kept in the end", w.rig.Payloads(t, w.bank), 0)
	if len(got) != 1 {
		t.Fatalf("given %d deliveries", len(got))
	}
	d := got[0]
	want := feed.Delivery{
		Partner: p, Shard: feed.ShardOf(string(w.bank), "A1"), Pos: d.Pos, Consent: consent.ID("con_1-" + w.name), Attempts: 1,
		Event: feed.Event{
			Bank: w.bank, Account: "A1", Sequence: 1, Kind: e.Kind, ID: d.Event.ID, Answer: e.Answer, Day: e.Day,
			OccurredAt: e.OccurredAt, PublishedAt: d.Event.PublishedAt,
		},
	}
	d.Event.Transaction = feed.Transaction{}
	same(t, "the delivery", d, want)
	w.drain(p, "a")
	w.ack(p, "a", "", got...) // once more changes nothing
}

func swept(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.told(p)
	w.publish(balance("A1", 1), balance("A1", 2))
	w.pass(feed.Retention - time.Hour)
	w.publish(balance("A1", 3))
	w.sweep()
	same(t, "contents kept before the time", w.rig.Payloads(t, w.bank), 3)
	w.pass(2 * time.Hour)
	w.sweep()
	same(t, "contents kept after it", w.rig.Payloads(t, w.bank), 1)
	same(t, "what is still delivered", says(w.drain(p, "a")), []string{"A1/3"})
	counts, err := w.Counts(t.Context(), string(p), consent.DayOf(w.now()))
	same(t, "error", err, nil)
	same(t, "counts", counts, map[string]int{"dropped BALANCE_CHANGED EXPIRED": 2})
	positions, _ := w.publish(balance("A1", 2))
	same(t, "the position after all", positions, []feed.Position{{Account: "A1", Sequence: 3}})
}

func (w *world) sweep() {
	w.t.Helper()
	for {
		more, err := w.rig.Store.Sweep(w.t.Context())
		if err != nil {
			w.t.Fatalf("Sweep: %v", err)
		}
		if !more {
			return
		}
	}
}

func unreadable(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2")...)
	w.told(p)
	w.publish(balance("A1", 1))
	sealer, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w.Feed = feed.New(w.rig.Store, sealer, &feed.Bell{})
	w.publish(balance("A2", 1), balance("A1", 2))
	same(t, "what is delivered", says(append(w.due(p, "a", 9), w.drain(p, "a")...)), []string{"A1/2", "A2/1"})
	counts, err := w.Counts(t.Context(), string(p), consent.DayOf(w.now()))
	same(t, "error", err, nil)
	same(t, "counts", counts, map[string]int{"dropped BALANCE_CHANGED UNREADABLE": 1})
}

func changes(t *testing.T, w *world) {
	p := w.partner("messenger")
	c := w.allow("con_1", p, shares(everything, "A1")...)
	w.pass(time.Second)
	c = w.keep(c.Pause(customer, w.now()))
	c = w.keep(c.Resume(customer, w.now()))
	w.keep(c.Revoke(customer, w.now()))
	first := w.due(p, "a", 10)
	if len(first) != 1 {
		t.Fatalf("%d changes of one consent are out at a time", len(first))
	}
	w.ack(p, "a", "", first...)
	got := []string{}
	for _, d := range append(first, w.drain(p, "a")...) {
		got = append(got, fmt.Sprintf("%s %d %d %s %s by %s %t", d.Event.Kind, d.Event.Sequence, d.Change.Revision,
			consent.ChangeName(d.Change.Kind), consent.StatusName(d.Change.Status), d.Change.Actor.ID,
			d.Change.Consent == d.Consent && d.Consent == c.ID))
	}
	same(t, "changes", got, []string{
		"CONSENT_CHANGED 2 2 AUTHORIZE ACTIVE by 9593 true", "CONSENT_CHANGED 3 3 PAUSE PAUSED by 9593 true",
		"CONSENT_CHANGED 4 4 RESUME ACTIVE by 9593 true", "CONSENT_CHANGED 5 5 REVOKE REVOKED by 9593 true",
	})
	same(t, "changes told to another", len(w.told(w.partner("wallet"))), 0)
}

func accountLeft(t *testing.T, w *world) {
	p := w.partner("messenger")
	c := w.allow("con_1", p, shares(everything, "A1", "A2", "A3")...)
	bank := consent.Actor{Kind: consent.ActorBank, ID: string(w.bank)}
	c = w.keep(c.WithdrawAccount("A2", bank, w.now()))
	c = w.keep(c.Narrow(consent.Narrowing{Shares: shares(everything, "A1")}, customer, w.now()))
	w.keep(c.WithdrawAccount("A1", bank, w.now())) // the end of it
	got := []string{}
	for _, d := range w.told(p) {
		got = append(got, fmt.Sprintf("%s %s %d %s", d.Event.Kind, d.Event.Account, d.Change.Revision, consent.StatusName(d.Change.Status)))
	}
	same(t, "what is told", got, []string{
		"CONSENT_CHANGED  2 ACTIVE", "CONSENT_CHANGED  3 ACTIVE", "ACCOUNT_LEFT A2 3 ACTIVE", "CONSENT_CHANGED  4 ACTIVE",
		"ACCOUNT_LEFT A3 4 ACTIVE", "CONSENT_CHANGED  5 REVOKED",
	})
}

func withdrawn(t *testing.T, w *world) {
	p := w.partner("messenger")
	balances := consent.ClustersOf(consent.Balances)
	ended := w.allow("con_1", p, shares(everything, "A1")...)
	narrowed := w.allow("con_2", p, shares(everything, "A1", "A2")...)
	paused := w.allow("con_3", p, shares(everything, "A1")...)
	w.told(p)
	alert := balance("A1", 2)
	alert.Kind = feed.AlertRaised
	w.publish(balance("A1", 1), alert, balance("A2", 1))
	w.due(p, "a", 1)
	w.keep(ended.Revoke(customer, w.now()))
	w.keep(narrowed.Narrow(consent.Narrowing{Shares: shares(balances, "A1")}, customer, w.now()))
	w.keep(paused.Pause(customer, w.now()))
	w.sweep()
	same(t, "contents kept while some may still be published", w.rig.Payloads(t, w.bank), 3)
	w.pass(feed.Settled)
	w.sweep()
	same(t, "contents kept", w.rig.Payloads(t, w.bank), 2)
	counts, err := w.Counts(t.Context(), string(p), consent.DayOf(w.now()))
	same(t, "error", err, nil)
	same(t, "counts", counts, map[string]int{
		"dropped BALANCE_CHANGED WITHDRAWN": 2, "dropped FRAUD_ALERT_RAISED WITHDRAWN": 2,
	})
	w.pass(feed.AckWait)
	same(t, "what is left", says(w.drain(p, "a")), []string{"", "", "", "", "A1/1", "A1/1", "A1/2"})
}
