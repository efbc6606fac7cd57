package feedtest

import (
	"context"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/feed"
)

// Leave ends a consumer's turn.
func (m *Memory) Leave(ctx context.Context, partner consent.PartnerID, consumer string, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for s, l := range m.leases {
		if s.partner == partner && l.Consumer == consumer {
			m.takeOver(s, consumer, at)
			m.leases[s] = feed.Leased{Shard: s.nth}
		}
	}
	delete(m.seen[partner], consumer)
	return nil
}

// leaving: who leaves hands over at once what is silently kept for a lease.
func leaving(t testing.TB, w *world) {
}
