package consenttest

import (
	"context"
	"sync"

	"sluice/consent"
)

// Barrier is a consent.Barrier that lets changes pass and remembers them. It
// may be used by many goroutines.
type Barrier struct {
	mu     sync.Mutex
	err    error
	passed map[consent.ID]int64
}

// NewBarrier makes a barrier that everything passes.
func NewBarrier() *Barrier { return &Barrier{passed: map[consent.ID]int64{}} }

// Fail lets nothing pass from now on; nil lets everything pass again.
func (b *Barrier) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// Passed is the newest revision that passed.
func (b *Barrier) Passed(id consent.ID) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.passed[id]
}

// Await lets the change pass.
func (b *Barrier) Await(_ context.Context, id consent.ID, revision int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.passed[id] = max(b.passed[id], revision)
	return nil
}
