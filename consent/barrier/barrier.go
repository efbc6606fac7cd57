package barrier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/consent"
	"sluice/mutant"
)

// Replica is another gateway at work.
type Replica struct {
	Boot    string // names one life of one process
	Address string // "" if it is not registered, and can't be told
	// Recent says that it recorded a release under the consent a moment ago, and
	// so may hold an answer that has not left.
	Recent bool
}

// Replicas knows the other replicas; see Others.
type Replicas interface {
	// Others lists all that are registered. It is asked after the change was
	// committed: whoever registers later has read it.
	Others(ctx context.Context, id consent.ID) ([]Replica, error)
}

// Notices tells another replica of a change. It returns nil when the replica
// has drained.
type Notices interface {
	Fence(ctx context.Context, to Replica, id consent.ID, revision int64) error
}

// Barrier is a consent.Barrier over all replicas. It may be used by many
// goroutines.
type Barrier struct {
	gates    *Gates
	forget   func(id consent.ID, revision int64)
	replicas Replicas
	notices  Notices
	notified sync.WaitGroup
}

// New makes a barrier. forget is called with every change heard of, to drop
// what is remembered of earlier revisions. Without replicas, this one is alone.
func New(gates *Gates, forget func(consent.ID, int64), replicas Replicas, notices Notices) *Barrier {
	return &Barrier{gates: gates, forget: forget, replicas: replicas, notices: notices}
}

// Fence is the other side of a notice: it forgets earlier revisions and returns
// when no answer under one can leave this replica any more.
func (b *Barrier) Fence(ctx context.Context, id consent.ID, revision int64) error {
	b.forget(id, revision)
	return b.gates.Drain(ctx, id, revision)
}

// Await returns nil when the change is final on every replica: when all those
// that may hold an answer said that it has left or will not, or when Margin has
// passed since Await was called, after the commit. Others are told, not waited
// for. It fails only with its context.
func (b *Barrier) Await(ctx context.Context, id consent.ID, revision int64) error {
	// On its own context: the notices of those not waited for go on.
	timed, cancel := context.WithTimeout(context.WithoutCancel(ctx), Margin)
	drained := b.drain(timed, cancel, id, revision)
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("await replicas: %w", ctx.Err())
	}
}

// drain closes its channel when the barrier is passed. It calls done when
// nothing goes on any more.
func (b *Barrier) drain(ctx context.Context, done func(), id consent.ID, revision int64) <-chan struct{} {
	passed := make(chan struct{})
	enough := time.NewTimer(Margin)
	b.notified.Go(func() {
		defer done()
		defer enough.Stop()
		var waited, told errgroup.Group
		waited.Go(func() error { return b.Fence(ctx, id, revision) })
		others, err := b.others(ctx, id)
		for _, r := range others {
			group := &told
			if r.Recent && !mutant.Is(mutant.NoWait) {
				group = &waited
			}
			if r.Address == "" && mutant.Is(mutant.OnlyRegistered) {
				continue
			}
			group.Go(func() error { return b.notices.Fence(ctx, r, id, revision) })
		}
		if err = errors.Join(err, waited.Wait()); err != nil {
			<-enough.C // somebody did not answer: time decides
		}
		close(passed)
		_ = told.Wait() // who was not waited for may fail
	})
	return passed
}

// others lists the other replicas.
func (b *Barrier) others(ctx context.Context, id consent.ID) ([]Replica, error) {
	if b.replicas == nil {
		return nil, nil
	}
	return b.replicas.Others(ctx, id) //nolint:wrapcheck // only that it failed counts
}

// Elapse waits until no answer recorded before now can leave, whatever its
// consent, for changes that end many grants at once.
func (b *Barrier) Elapse(ctx context.Context) error {
	select {
	case <-time.After(Margin):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("await replicas: %w", ctx.Err())
	}
}

// Close waits for notices under way, at most Margin.
func (b *Barrier) Close() { b.notified.Wait() }
