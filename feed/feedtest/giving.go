package feedtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sluice/consent"
	"sluice/feed"
)

// Due gives out deliveries.
func (m *Memory) Due(ctx context.Context, partner consent.PartnerID, consumer string, room feed.Room) ([]feed.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("due: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.moment()
	m.tell(partner, at)
	mine := m.lease(partner, consumer, at)
	var out []feed.Delivery
	bytes := 0
	lanes := map[string]bool{}
	for _, d := range m.waiting {
		lane := fmt.Sprintf("%s\x00%s", d.Consent, d.Lane())
		first := !lanes[lane]
		lanes[lane] = lanes[lane] || d.Partner == partner
		if d.Partner != partner || !first || !slices.Contains(mine, d.Shard) || d.due.After(at) {
			continue
		}
		if !room.Fits(len(out), bytes, len(d.Event.Answer)) {
			break
		}
		bytes += len(d.Event.Answer)
		d.Attempts++
		d.due, d.consumer = at.Add(feed.AckWait), consumer
		out = append(out, d.Delivery)
	}
	slices.SortStableFunc(out, byPlace)
	return out, nil
}

// tell makes deliveries of the partner's consents' changes.
func (m *Memory) tell(partner consent.PartnerID, at time.Time) {
	m.changes = slices.DeleteFunc(m.changes, func(d feed.Delivery) bool {
		if d.Partner == partner {
			m.add(d, at)
		}
		return d.Partner == partner
	})
}

// lease is the shards that the consumer has now.
func (m *Memory) lease(partner consent.PartnerID, consumer string, at time.Time) []int {
	if m.seen[partner] == nil {
		m.seen[partner] = map[string]time.Time{}
	}
	m.seen[partner][consumer] = at.Add(feed.Lease)
	n := 0
	for _, until := range m.seen[partner] {
		if until.After(at) {
			n++
		}
	}
	var all []feed.Leased
	for s := range feed.Shards {
		if l, there := m.leases[shard{partner, s}]; there {
			all = append(all, l)
		}
	}
	mine, letGo := feed.Share(all, consumer, n, at)
	for _, s := range letGo {
		m.leases[shard{partner, s}] = feed.Leased{Shard: s}
	}
	for _, s := range mine {
		was := m.leases[shard{partner, s}]
		m.leases[shard{partner, s}] = feed.Leased{Shard: s, Consumer: consumer, Until: at.Add(feed.Lease)}
		if was.Consumer != "" && was.Consumer != consumer {
			m.takeOver(shard{partner, s}, was.Consumer, at)
		}
	}
	return mine
}

// takeOver makes what a silent consumer has out due again.
func (m *Memory) takeOver(s shard, from string, at time.Time) {
	for _, d := range m.waiting {
		if d.Partner == s.partner && d.Shard == s.nth && d.consumer == from {
			d.due, d.consumer = at, ""
		}
	}
}

// Acknowledge ends deliveries or puts them off.
func (m *Memory) Acknowledge(ctx context.Context, partner consent.PartnerID, consumer string, acks []feed.Ack) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.moment()
	for _, a := range acks {
		key := shard{partner, a.Shard}
		if l := m.leases[key]; l.Consumer == consumer {
			l.Until = at.Add(feed.Lease)
			m.leases[key] = l
		}
		i := m.find(partner, a.Shard, a.Pos)
		if i < 0 {
			continue
		}
		if a.Error == "" || m.failed(m.waiting[i], a.Error, at) {
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
	return nil
}

// failed puts a delivery off, or says that it is dead.
func (m *Memory) failed(d *delivery, why string, at time.Time) bool {
	if d.consumer == "" {
		return false
	}
	d.errors++
	d.consumer = ""
	rest, again := feed.Backoff(d.errors)
	d.due = at.Add(rest)
	if again {
		return false
	}
	m.dead = append(m.dead, feed.Dead{
		Partner: d.Partner, Consent: d.Consent, ID: d.Event.ID, Kind: d.Event.Kind, Errors: d.errors, Shard: d.Shard, Pos: d.Pos, Error: why, At: at,
	})
	return true
}

func (m *Memory) find(partner consent.PartnerID, shard int, pos int64) int {
	return slices.IndexFunc(m.waiting, func(d *delivery) bool {
		return d.Partner == partner && d.Shard == shard && d.Pos == pos
	})
}

// Drop ends deliveries unreceived.
func (m *Memory) Drop(ctx context.Context, dropped []feed.Delivery, why string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.moment()
	for _, d := range dropped {
		if i := m.find(d.Partner, d.Shard, d.Pos); i >= 0 {
			m.count(string(d.Partner), at, feed.Dropped(d.Event.Kind, why), 1)
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
	return nil
}
