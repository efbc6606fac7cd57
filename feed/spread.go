package feed

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"sluice/consent"
	"sluice/mutant"
)

// Spread makes the deliveries of events that were taken, one for each grant
// that covers the event, in the order of the events, without places in their
// shards. An event of one consent goes to that grant alone, or to nobody. Each has an id of its own, so that two partners can't find out that
// they were told the same.
func Spread(taken []Event, grants []Grant) []Delivery {
	var out []Delivery
	for _, e := range taken {
		for _, g := range grants {
			if g.Account != e.Account || !g.Clusters.Has(e.Kind.Cluster()) || !hears(g, e) {
				continue
			}
			d := Delivery{Partner: g.Partner, Shard: ShardOf(string(e.Bank), string(e.Account)), Consent: g.Consent, Event: e}
			d.Event.ID, d.Event.Consent = NewID(), ""
			out = append(out, d)
		}
	}
	return out
}

// hears says whether an event is for a grant at all: one of one consent is for no
// other.
func hears(g Grant, e Event) bool {
	return !e.Kind.OfOneConsent() || g.Consent == e.Consent || mutant.Is(mutant.OthersHear)
}

// NewID makes an id that nobody can guess.
func NewID() string { return "evt_" + strings.ToLower(rand.Text()) }

// Lane names, within a consent's deliveries, those that must stay in order.
func (d Delivery) Lane() string {
	if d.Event.Kind.Cluster() == 0 {
		return ""
	}
	return string(d.Event.Account)
}

// Leased is who has a shard, until when.
type Leased struct {
	Shard    int
	Consumer string // "" for nobody
	Until    time.Time
}

// Free says whether a consumer may take the shard.
func (l Leased) Free(consumer string, at time.Time) bool {
	return l.Consumer == "" || l.Consumer == consumer || !l.Until.After(at) || mutant.Is(mutant.LeaseIgnored)
}

// Share says which of a partner's shards a consumer has from now on, if so many
// consumers are at work, this one included: its own and free ones, up to a fair
// part. Of its own that are beyond it, it lets go.
func Share(shards []Leased, consumer string, consumers int, at time.Time) (mine, letGo []int) {
	most := (len(shards) + max(consumers, 1) - 1) / max(consumers, 1)
	byOwn := slices.Clone(shards)
	slices.SortStableFunc(byOwn, func(a, b Leased) int {
		return cmp.Or(own(b, consumer)-own(a, consumer), cmp.Compare(a.Shard, b.Shard))
	})
	for _, l := range byOwn {
		switch {
		case l.Free(consumer, at) && len(mine) < most:
			mine = append(mine, l.Shard)
		case l.Consumer == consumer:
			letGo = append(letGo, l.Shard)
		}
	}
	return mine, letGo
}

func own(l Leased, consumer string) int {
	if l.Consumer == consumer {
		return 1
	}
	return 0
}

// accounts are the accounts that events are of, each once and in order.
func accounts(events []Event) []consent.AccountID {
	out := make([]consent.AccountID, len(events))
	for i, e := range events {
		out[i] = e.Account
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ByAccount splits a batch by account, in the order of accounts.
func ByAccount(events []Event) ([]consent.AccountID, map[consent.AccountID][]Event) {
	of := map[consent.AccountID][]Event{}
	for _, e := range events {
		of[e.Account] = append(of[e.Account], e)
	}
	return accounts(events), of
}

// Dropped is what a delivery that was dropped counts as.
func Dropped(k Kind, why string) string { return "dropped " + k.String() + " " + why }

// Why deliveries are dropped that nobody took: for too long, or before the
// consent was withdrawn or made narrower.
const (
	Expired   = "EXPIRED"
	Withdrawn = "WITHDRAWN"
)

// SortChanges puts changes of consents in the order of revisions, a change
// before the accounts that left by it.
func SortChanges(changes []Delivery) {
	slices.SortFunc(changes, func(a, b Delivery) int {
		return cmp.Or(cmp.Compare(a.Consent, b.Consent), cmp.Compare(a.Event.Sequence, b.Event.Sequence),
			cmp.Compare(a.Event.Account, b.Event.Account))
	})
}

// Rejected is what an event that was rejected counts as.
func Rejected(r Rejection) string { return "rejected " + r.Field }
