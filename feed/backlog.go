package feed

import (
	"context"
	"fmt"
	"time"

	"sluice/consent"
)

// MostCounted is how many deliveries of a backlog are counted at most, so that a
// look at a long one costs no more than at a shorter.
const MostCounted = 100_000

// Backlog is what a partner has not taken.
type Backlog struct {
	Waiting  int           // deliveries neither taken nor put aside, up to MostCounted
	Age      time.Duration // for how long the oldest of them has waited, by the store's clock and the first of each shard
	PutAside int           // deliveries put aside within Retention, up to MostCounted
}

// Backlog says what a partner has not taken. Changes of consents count once the
// partner has asked for events since.
func (f *Feed) Backlog(ctx context.Context, partner consent.PartnerID) (Backlog, error) {
	b, err := f.store.Backlog(ctx, partner)
	if err != nil {
		return Backlog{}, fmt.Errorf("read backlog: %w", err)
	}
	return b, nil
}
