package feedtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/seal"
)

// Rig is a store under test and what stands around it.
type Rig struct {
	Store feed.Store
	// Keep keeps a consent's next revision where the store hears of it.
	Keep func(t testing.TB, c consent.Consent, ch consent.Change)
	// Payloads is how many contents are kept of a bank.
	Payloads func(t testing.TB, bank consent.BankID) int
	// Models is how many histories are drawn.
	Models int
	clock  *clock
}

// clock is the store's, and moves when a test says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// world is a feed in its time. Worlds of one rig do not meet: each has names
// of its own.
type world struct {
	t testing.TB
	*feed.Feed
	rig    Rig
	name   string
	bank   consent.BankID
	sealer *seal.Sealer
}

func newWorld(t testing.TB, rig Rig, worlds *atomic.Int64) *world {
	t.Helper()
	sealer, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprint("w", worlds.Add(1))
	w := &world{t: t, rig: rig, name: name, bank: consent.BankID("bank-" + name), sealer: sealer}
	rig.clock.set(time.Date(2026, time.March, 29, 1, 59, 59, 123e6, time.UTC))
	w.Feed = feed.New(rig.Store, sealer, &feed.Bell{})
	return w
}

func (w *world) now() time.Time { return w.rig.clock.now() }

func (w *world) pass(d time.Duration) { w.rig.clock.set(w.now().Add(d)) }

func (w *world) partner(name string) consent.PartnerID {
	return consent.PartnerID(name + "-" + w.name)
}

var everything = consent.ClustersOf(consent.Balances, consent.TransactionsBasic, consent.FraudAlerts, consent.Conversations)

// allow makes a live consent.
func (w *world) allow(id string, partner consent.PartnerID, shares ...consent.Share) consent.Consent {
	w.t.Helper()
	at := w.now()
	c, ch, err := consent.Request(consent.ID(id+"-"+w.name), partner, w.bank, consent.Terms{
		Clusters: everything, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "To show it.",
		LookBackDays: 90, ValidUntil: at.Add(90 * 24 * time.Hour), UnattendedPerDay: 4, RetentionDays: 30,
	}, at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.rig.Keep(w.t, c, ch)
	return w.keep(c.Authorize(consent.Choice{Shares: shares}, customer, at))
}

var customer = consent.Actor{Kind: consent.ActorCustomer, ID: "9593"}

func (w *world) keep(c consent.Consent, ch consent.Change, err error) consent.Consent {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.rig.Keep(w.t, c, ch)
	return c
}

func shares(clusters consent.Clusters, accounts ...consent.AccountID) []consent.Share {
	var out []consent.Share
	for _, a := range accounts {
		out = append(out, consent.Share{Account: a, Clusters: clusters})
	}
	return out
}

// balance is an event whose content says which it is.
func balance(a consent.AccountID, sequence int64) feed.Event {
	return feed.Event{
		Account: a, Sequence: sequence, Kind: feed.BalanceChanged, Answer: []byte(fmt.Sprintf("%s/%d", a, sequence)),
		Day: consent.NoDay, OccurredAt: time.Date(2026, 3, 1, 0, 0, int(sequence), 0, time.UTC),
	}
}

func transaction(a consent.AccountID, sequence int64, kind feed.Kind, id string, status datav1.TransactionStatus, replaces string) feed.Event {
	e := balance(a, sequence)
	e.Kind, e.Day = kind, consent.DayOf(e.OccurredAt)
	e.Transaction = feed.Transaction{ID: id, Status: status, Replaces: replaces}
	return e
}

func (w *world) publish(events ...feed.Event) ([]feed.Position, []feed.Rejection) {
	w.t.Helper()
	positions, rejected, err := w.Publish(context.Background(), w.bank, events)
	if err != nil {
		w.t.Fatalf("Publish: %v", err)
	}
	return positions, rejected
}

// due is what a consumer is given, without its own consents' changes.
func (w *world) due(partner consent.PartnerID, consumer string, limit int) []feed.Delivery {
	w.t.Helper()
	due, err := w.Due(context.Background(), partner, consumer, feed.Room{Events: limit})
	if err != nil {
		w.t.Fatalf("Due: %v", err)
	}
	return due
}

// told takes the changes of consents that are due to the partner out of the way.
func (w *world) told(partner consent.PartnerID) []feed.Delivery {
	w.t.Helper()
	w.pass(2 * feed.Lease)
	var out []feed.Delivery
	for {
		due := w.due(partner, "told", 100)
		if len(due) == 0 {
			break
		}
		for _, d := range due {
			if d.Event.Kind.Cluster() != 0 {
				w.t.Fatalf("told %v before the test began", d.Event)
			}
		}
		out = append(out, due...)
		w.ack(partner, "told", "", due...)
	}
	w.pass(2 * feed.Lease)
	return out
}

func (w *world) ack(partner consent.PartnerID, consumer, fault string, ds ...feed.Delivery) {
	w.t.Helper()
	var acks []feed.Ack
	for _, d := range ds {
		acks = append(acks, feed.Ack{Shard: d.Shard, Pos: d.Pos, Error: fault})
	}
	if err := w.Acknowledge(context.Background(), partner, consumer, acks); err != nil {
		w.t.Fatalf("Acknowledge: %v", err)
	}
}

// drain takes and acknowledges until nothing is due.
func (w *world) drain(partner consent.PartnerID, consumer string) []feed.Delivery {
	w.t.Helper()
	var out []feed.Delivery
	for {
		due := w.due(partner, consumer, 7)
		if len(due) == 0 {
			return out
		}
		out = append(out, due...)
		w.ack(partner, consumer, "", due...)
	}
}

// says lists what deliveries say, in order.
func says(ds []feed.Delivery) []string {
	out := []string{}
	for _, d := range ds {
		out = append(out, string(d.Event.Answer))
	}
	slices.Sort(out)
	return out
}
