package feed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice/consent"
)

// Poll is how long Wait waits at most: what another replica took, or became due
// by itself, wakes nobody here.
const Poll = 500 * time.Millisecond

// Waker says that there may be something new for partners. It is a hint.
type Waker interface {
	Wake(partners []consent.PartnerID)
	// Next is closed on the partner's next Wake.
	Next(partner consent.PartnerID) <-chan struct{}
}

// Wait waits for a channel of Next, for Poll, or until ctx ends, which alone is
// an error.
func Wait(ctx context.Context, next <-chan struct{}) error {
	t := time.NewTimer(Poll)
	defer t.Stop()
	select {
	case <-next:
	case <-t.C:
	case <-ctx.Done():
		return fmt.Errorf("wait for events: %w", ctx.Err())
	}
	return nil
}

// Bell is a Waker for one process. The zero value is ready.
type Bell struct {
	mu      sync.Mutex
	waiting map[consent.PartnerID]chan struct{}
}

// Wake wakes those who wait for the partners.
func (b *Bell) Wake(partners []consent.PartnerID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range partners {
		if c := b.waiting[p]; c != nil {
			close(c)
			delete(b.waiting, p)
		}
	}
}

// Next is closed on the partner's next Wake.
func (b *Bell) Next(partner consent.PartnerID) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.waiting[partner]
	if c == nil {
		c = make(chan struct{})
		if b.waiting == nil {
			b.waiting = map[consent.PartnerID]chan struct{}{}
		}
		b.waiting[partner] = c
	}
	return c
}
