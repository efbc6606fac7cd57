package feeddb

import (
	"sync"
	"time"

	"sluice/consent"
	"sluice/feed"
)

// quietLimit is how long nobody asks.
const quietLimit = feed.Poll / 2

// quiet remembers for a moment that nothing is due to a partner, so that
// thousands of its idle consumers ask the database once. The zero value is ready.
type quiet struct {
	mu sync.Mutex
	of map[consent.PartnerID]calm
}

type calm struct {
	turn  uint64    // counts what this process did to the partner's deliveries
	until time.Time // by this process's clock
}

// holds says whether nothing is due, and the turn at which a look begins.
func (q *quiet) holds(partner consent.PartnerID, at time.Time) (bool, uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.of[partner]
	longest := at.Add(quietLimit) // or the clock was set back
	return at.Before(c.until) && !c.until.After(longest), c.turn
}

// begin notes that nothing is due until an instant, unless something was done
// since the turn.
func (q *quiet) begin(partner consent.PartnerID, turn uint64, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := q.of[partner]; c.turn == turn {
		q.set(partner, calm{turn, until})
	}
}

// end notes that something was done.
func (q *quiet) end(partners ...consent.PartnerID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range partners {
		q.set(p, calm{turn: q.of[p].turn + 1})
	}
}

func (q *quiet) set(partner consent.PartnerID, c calm) {
	if q.of == nil {
		q.of = map[consent.PartnerID]calm{}
	}
	q.of[partner] = c
}

// calm is how long nothing need be done for any consumer of the partner: no
// delivery is due and no lease under which something is out must be renewed.
func (l look) calm() time.Duration {
	until := l.at.Add(quietLimit)
	if !l.told {
		return 0
	}
	for _, s := range l.shards {
		if first := instant(min(s.first, until.UnixMilli())); first.Before(until) {
			until = first
		}
		if renew := s.Until.Add(-feed.Lease / 2); s.last > l.at.UnixMilli() && s.Consumer != "" && renew.Before(until) {
			until = renew
		}
	}
	return until.Sub(l.at)
}
