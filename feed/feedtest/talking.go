package feedtest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/feed"
)

// said is an event of one consent, whose content says which it is.
func (w *world) said(a consent.AccountID, sequence int64, id consent.ID, kind feed.Kind) feed.Event {
	e := balance(a, sequence)
	e.Kind, e.Consent = kind, id
	return e
}

func oneConsent(t *testing.T, w *world) {
	p, q := w.partner("messenger"), w.partner("wallet")
	const message, changed = feed.ConversationMessage, feed.ConversationChanged
	first := w.allow("con_1", p, shares(everything, "A1")...)
	second := w.allow("con_2", p, shares(everything, "A1")...) // the same partner's
	others := w.allow("con_3", q, shares(everything, "A1", "A2")...)
	silent := w.allow("con_4", q, shares(consent.ClustersOf(consent.Balances), "A1")...)
	ended := w.allow("con_5", q, shares(everything, "A1")...)
	w.keep(ended.Revoke(customer, w.now()))
	paused := w.allow("con_6", q, shares(everything, "A1")...)
	w.keep(paused.Pause(customer, w.now()))
	w.told(p)
	w.told(q)
	positions, rejected := w.publish(
		w.said("A1", 1, first.ID, message), w.said("A1", 2, second.ID, changed), w.said("A1", 3, others.ID, message),
		w.said("A1", 4, silent.ID, message), w.said("A1", 5, ended.ID, message), w.said("A1", 6, paused.ID, message),
		w.said("A1", 7, "con_nobody", message), w.said("A1", 8, "", message), balance("A1", 9), w.said("A2", 1, first.ID, message),
	)
	same(t, "positions", positions, []feed.Position{{Account: "A1", Sequence: 9}, {Account: "A2", Sequence: 1}})
	same(t, "rejected", len(rejected), 0)
	same(t, "contents kept", w.rig.Payloads(t, w.bank), 4)
	by := func(ds []feed.Delivery) []string {
		out := []string{}
		for _, d := range ds {
			same(t, "the event's own consent", d.Event.Consent, consent.ID(""))
			out = append(out, fmt.Sprintf("%s %s to %s", d.Event.Kind, d.Event.Answer, d.Consent))
		}
		slices.Sort(out)
		return out
	}
	same(t, "what the messenger is told", by(w.drain(p, "a")), []string{
		"BALANCE_CHANGED A1/9 to " + string(first.ID), "BALANCE_CHANGED A1/9 to " + string(second.ID),
		"CONVERSATION_CHANGED A1/2 to " + string(second.ID), "CONVERSATION_MESSAGE A1/1 to " + string(first.ID),
	})
	same(t, "what the wallet is told", by(w.drain(q, "a")), []string{
		"BALANCE_CHANGED A1/9 to " + string(others.ID), "BALANCE_CHANGED A1/9 to " + string(silent.ID),
		"CONVERSATION_MESSAGE A1/3 to " + string(others.ID),
	})
}

// talks is whatever is said under whatever consents: it comes to the consent that
// it names, all of it and in order, and to no other.
func talks(t *testing.T, rig Rig, worlds *atomic.Int64) {
	checks, failed := 0, false
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > rig.Models && !failed {
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		talkOnce(rt, newWorld(t, rig, worlds))
	})
}

func talkOnce(rt *rapid.T, w *world) {
	partners := []consent.PartnerID{w.partner("messenger"), w.partner("wallet")}
	named := []consent.ID{"", "con_nobody"}
	whose := map[consent.ID]consent.PartnerID{}
	for i := range rapid.IntRange(1, 4).Draw(rt, "consents") {
		p := rapid.SampledFrom(partners).Draw(rt, "partner")
		id := w.allow(fmt.Sprint("con_", i), p, shares(everything, "A1")...).ID
		named, whose[id] = append(named, id), p
	}
	for _, p := range partners {
		w.told(p)
	}
	want := map[consent.ID][]string{}
	var events []feed.Event
	for s := range rapid.Int64Range(1, 20).Draw(rt, "events") {
		id := rapid.SampledFrom(named).Draw(rt, "consent")
		e := w.said("A1", s+1, id, rapid.SampledFrom([]feed.Kind{feed.ConversationMessage, feed.ConversationChanged}).Draw(rt, "kind"))
		events = append(events, e)
		if whose[id] != "" {
			want[id] = append(want[id], string(e.Answer))
		}
	}
	w.publish(events...)
	got := map[consent.ID][]string{}
	for _, p := range partners {
		for _, d := range w.drain(p, "a") {
			if whose[d.Consent] != p {
				rt.Fatalf("%s is told of %s, which is of %s", p, d.Consent, whose[d.Consent])
			}
			got[d.Consent] = append(got[d.Consent], string(d.Event.Answer))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		rt.Fatalf("told %v, want %v", got, want)
	}
}
