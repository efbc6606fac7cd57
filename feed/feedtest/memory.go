package feedtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/consent"
	"sluice/feed"
)

// Memory is a feed.Store in memory. It may be used by many goroutines.
type Memory struct {
	now      func() time.Time
	mu       sync.Mutex
	states   map[account]*feed.State
	consents map[consent.ID]consent.Consent
	changes  []feed.Delivery // of consents, that no consumer has asked for yet
	waiting  []*delivery     // in the order of each shard
	heads    map[shard]int64
	leases   map[shard]feed.Leased
	seen     map[consent.PartnerID]map[string]time.Time // consumers
	dead     []feed.Dead
	counts   map[string]map[string]int
}

// moment is an instant as stores keep it.
func (m *Memory) moment() time.Time { return m.now().UTC().Truncate(time.Millisecond) }

type account struct {
	bank consent.BankID
	id   consent.AccountID
}

type shard struct {
	partner consent.PartnerID
	nth     int
}

type delivery struct {
	feed.Delivery
	due      time.Time
	consumer string // who has it out; "" for nobody
	errors   int
}

// NewMemory makes an empty store that has a clock of its own.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{
		now:    now,
		states: map[account]*feed.State{}, consents: map[consent.ID]consent.Consent{},
		heads: map[shard]int64{}, leases: map[shard]feed.Leased{},
		seen: map[consent.PartnerID]map[string]time.Time{}, counts: map[string]map[string]int{},
	}
}

// Keep tells the store of a consent's next revision, as a consent.Store does in
// the transaction of the change.
func (m *Memory) Keep(c consent.Consent, ch consent.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.consents[c.ID]
	m.consents[c.ID] = c.Clone()
	if ch.Revision == 1 {
		return
	}
	tell := func(kind feed.Kind, a consent.AccountID) {
		m.changes = append(m.changes, feed.Delivery{
			Partner: c.Partner, Shard: feed.ShardOf(string(c.ID)), Consent: c.ID, Change: ch,
			Event: feed.Event{
				Bank: c.Bank, Account: a, Sequence: ch.Revision, Kind: kind, ID: feed.NewID(),
				Day: consent.NoDay, OccurredAt: ch.At, PublishedAt: ch.At,
			},
		})
	}
	tell(feed.ConsentChanged, "")
	if !consent.Live(old.Status) {
		return
	}
	for _, s := range old.Shares {
		if _, still := c.Grant().Share(s.Account); !still && consent.Live(c.Status) {
			tell(feed.AccountLeft, s.Account)
		}
	}
}

// grants are what live consents share of a bank's accounts.
func (m *Memory) grants(bank consent.BankID, at time.Time) []feed.Grant {
	var out []feed.Grant
	for _, id := range slices.Sorted(maps.Keys(m.consents)) {
		c := m.consents[id]
		if c.Bank != bank || c.Status != consent.Active || !c.ValidUntil.After(at) {
			continue
		}
		for _, s := range c.Shares {
			out = append(out, feed.Grant{Account: s.Account, Consent: id, Partner: c.Partner, Clusters: s.Clusters})
		}
	}
	return out
}

// Publish takes events.
func (m *Memory) Publish(ctx context.Context, bank consent.BankID, events []feed.Event) (feed.Published, error) {
	if err := ctx.Err(); err != nil {
		return feed.Published{}, fmt.Errorf("publish: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.moment()
	var p feed.Published
	ids, of := feed.ByAccount(events)
	for _, id := range ids {
		s := m.states[account{bank, id}]
		if s == nil {
			s = &feed.State{Account: id}
			m.states[account{bank, id}] = s
		}
		taken, rejected := s.Take(of[id])
		p.Positions = append(p.Positions, s.Position())
		p.Rejections = append(p.Rejections, rejected...)
		for _, r := range rejected {
			m.count(string(bank), at, feed.Rejected(r), 1)
		}
		for i := range taken {
			taken[i].PublishedAt = at
		}
		for _, d := range feed.Spread(taken, m.grants(bank, at)) {
			m.add(d, at)
			if !slices.Contains(p.Partners, d.Partner) {
				p.Partners = append(p.Partners, d.Partner)
			}
		}
	}
	return p, nil
}

func (m *Memory) add(d feed.Delivery, at time.Time) {
	s := shard{d.Partner, d.Shard}
	m.heads[s]++
	d.Pos = m.heads[s]
	if _, there := m.leases[s]; !there {
		m.leases[s] = feed.Leased{Shard: d.Shard}
	}
	m.waiting = append(m.waiting, &delivery{Delivery: d, due: at})
}

func (m *Memory) count(party string, at time.Time, what string, n int) {
	key := party + " " + consent.DayOf(at).String()
	if m.counts[key] == nil {
		m.counts[key] = map[string]int{}
	}
	m.counts[key][what] += n
}

// Positions answers positions.
func (m *Memory) Positions(_ context.Context, bank consent.BankID, accounts []consent.AccountID) ([]feed.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []feed.Position
	for _, id := range accounts {
		p := feed.Position{Account: id}
		if s := m.states[account{bank, id}]; s != nil {
			p = s.Position()
		}
		out = append(out, p)
	}
	return out, nil
}

// Dead lists what was put aside.
func (m *Memory) Dead(_ context.Context, partner consent.PartnerID, limit int) ([]feed.Dead, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []feed.Dead
	for _, d := range slices.Backward(m.dead) {
		if (partner == "" || d.Partner == partner) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

// Counts says what was rejected or dropped.
func (m *Memory) Counts(_ context.Context, party string, day consent.Day) (map[string]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := maps.Clone(m.counts[party+" "+day.String()])
	if out == nil {
		out = map[string]int{}
	}
	return out, nil
}

// Sweep forgets old events. Ids of transactions are never forgotten here.
func (m *Memory) Sweep(context.Context) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.moment()
	since := at.Add(-feed.Retention)
	old := func(d feed.Delivery) bool { return d.Event.PublishedAt.Before(since) }
	m.changes = slices.DeleteFunc(m.changes, old)
	m.waiting = slices.DeleteFunc(m.waiting, func(d *delivery) bool {
		var why string
		switch {
		case old(d.Delivery):
			why = feed.Expired
		case m.withdrawn(d.Delivery, at):
			why = feed.Withdrawn
		default:
			return false
		}
		m.count(string(d.Partner), at, feed.Dropped(d.Event.Kind, why), 1)
		return true
	})
	m.dead = slices.DeleteFunc(m.dead, func(d feed.Dead) bool { return d.At.Before(since) })
	return false, nil
}

// withdrawn says whether the consent, as it has been for a while, does not share
// what the delivery is of.
func (m *Memory) withdrawn(d feed.Delivery, at time.Time) bool {
	c := m.consents[d.Consent]
	if d.Event.Kind.Cluster() == 0 || c.ChangedAt.After(at.Add(-feed.Settled)) {
		return false
	}
	s, ok := c.Grant().Share(d.Event.Account)
	return !consent.Live(c.Status) || !ok || !s.Clusters.Has(d.Event.Kind.Cluster())
}

// Payloads is how many contents are kept of a bank.
func (m *Memory) Payloads(bank consent.BankID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	type place struct {
		of  account
		seq int64
	}
	kept := map[place]bool{}
	for _, d := range m.waiting {
		if d.Event.Bank == bank && d.Event.Kind.Cluster() != 0 {
			kept[place{account{d.Event.Bank, d.Event.Account}, d.Event.Sequence}] = true
		}
	}
	return len(kept)
}

func byPlace(a, b feed.Delivery) int {
	return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Pos, b.Pos))
}
