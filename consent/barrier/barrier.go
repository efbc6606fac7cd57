package barrier

import (
	"context"
	"fmt"
	"sync"
	"time"

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
	began := b.gates.Now()
	b.notified.Go(func() {
		defer done()
		var waited, told sync.WaitGroup
		silent := make(chan struct{}, 1)
		tell := func(group *sync.WaitGroup, f func(context.Context) error) {
			group.Go(func() {
				if f(ctx) != nil && group == &waited {
					select {
					case silent <- struct{}{}:
					default:
					}
				}
			})
		}
		tell(&waited, func(ctx context.Context) error { return b.Fence(ctx, id, revision) })
		for _, r := range b.others(ctx, id, silent) {
			if r.Address == "" && mutant.Is(mutant.OnlyRegistered) {
				continue
			}
			group := &told
			if r.Recent && !mutant.Is(mutant.NoWait) {
				group = &waited
			}
			tell(group, func(ctx context.Context) error { return b.notices.Fence(ctx, r, id, revision) })
		}
		waited.Wait()
		select {
		case <-silent:
			// Somebody did not answer: time decides.
			time.Sleep(Margin - (b.gates.Now() - began))
		default:
		}
		close(passed)
		told.Wait()
	})
	return passed
}

// others lists the other replicas. If that can't be known, somebody is silent.
func (b *Barrier) others(ctx context.Context, id consent.ID, silent chan<- struct{}) []Replica {
	if b.replicas == nil {
		return nil
	}
	found, err := b.replicas.Others(ctx, id)
	if err != nil {
		select {
		case silent <- struct{}{}:
		default:
		}
	}
	return found
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
