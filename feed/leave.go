package feed

import (
	"context"
	"fmt"

	"sluice/consent"
)

// Leave ends a consumer's turn: its shards are free, and what it has out is due
// again. One that does not say so keeps them until its leases end.
func (f *Feed) Leave(ctx context.Context, partner consent.PartnerID, consumer string) error {
	if err := f.store.Leave(ctx, partner, consumer); err != nil {
		return fmt.Errorf("leave the feed: %w", err)
	}
	f.waker.Wake([]consent.PartnerID{partner})
	return nil
}
