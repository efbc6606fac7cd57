package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"sluice/mutant"
	"sluice/refusal"
)

// attempts bounds how often a change is made anew because others came first.
const attempts = 8

// Book is the service around the state machine: it finds a consent, makes a
// change by one reading of its clock, and keeps the result. It may be used by
// many goroutines.
//
// Errors are *refusal.Error. After RECORD_UNAVAILABLE the change may have
// happened or not, or have happened and not be in force on every replica yet.
// Every change takes the scope of its caller; a
// consent out of its reach is refused as CONSENT_NOT_FOUND, like an absent one.
type Book struct {
	store   Store
	barrier Barrier
	now     func() time.Time
}

// Barrier is what a change must pass before it is in force.
type Barrier interface {
	// Await returns nil when no answer released under a revision before this one
	// can begin to leave any more, on any replica. The change is committed.
	Await(ctx context.Context, id ID, revision int64) error
}

// NewBook keeps consents in store, makes changes final at the barrier and reads
// the time from now.
func NewBook(store Store, barrier Barrier, now func() time.Time) *Book {
	return &Book{store: store, barrier: barrier, now: now}
}

// Get reads a consent at its newest revision.
func (b *Book) Get(ctx context.Context, s Scope, id ID) (Consent, error) {
	c, err := b.store.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Consent{}, notFound()
	case err != nil:
		return Consent{}, unread(ctx, fmt.Errorf("read consent: %w", err))
	}
	if s == nil || !s.reaches(c) {
		return Consent{}, notFound()
	}
	return c, nil
}

// History reads every change of a consent, oldest first.
func (b *Book) History(ctx context.Context, s Scope, id ID) ([]Change, error) {
	if _, err := b.Get(ctx, s, id); err != nil {
		return nil, err
	}
	changes, err := b.store.Changes(ctx, id)
	if err != nil {
		return nil, unread(ctx, fmt.Errorf("read history: %w", err))
	}
	return changes, nil
}

// List reads consents, newest first. A query that is of none of the forms of
// Query, or for less than one consent, is refused.
func (b *Book) List(ctx context.Context, q Query) ([]Consent, error) {
	var f faults
	if !q.formed() {
		f.add("query", "must name a partner, a bank, or a customer or a co-holder of a bank")
	}
	if q.Limit < 1 {
		f.add("page_size", "must be at least 1")
	}
	if err := f.refuse(); err != nil {
		return nil, err
	}
	found, err := b.store.List(ctx, q)
	if err != nil {
		return nil, unread(ctx, fmt.Errorf("list consents: %w", err))
	}
	return found, nil
}

// apply is a change of the machine with everything given but the consent, the
// actor and the time.
type apply func(c Consent, by Actor, at time.Time) (Consent, Change, error)

// change finds a consent, changes it, keeps the result and waits until it is in
// force. expected is the revision the caller saw; 0 means any, and then a change
// that others came before is made anew from what they left.
func (b *Book) change(ctx context.Context, s Scope, id ID, expected int64, do apply) (Consent, error) {
	c, again, err := b.commit(ctx, s, id, expected, moment(b.now()), do)
	if err != nil {
		return Consent{}, err
	}
	return b.pass(ctx, c, again)
}

// commit is change without the waiting. It says whether the consent was so
// already.
func (b *Book) commit(ctx context.Context, s Scope, id ID, expected int64, at time.Time, do apply) (Consent, bool, error) {
	for range attempts {
		c, err := b.Get(ctx, s, id)
		if err != nil {
			return Consent{}, false, err
		}
		if expected != 0 && c.Revision != expected {
			return Consent{}, false, conflict()
		}
		next, made, err := do(c, s.actor(c), at)
		if errors.Is(err, ErrNoChange) {
			return c, true, nil
		}
		if err != nil {
			return Consent{}, false, err
		}
		err = b.store.Replace(ctx, next, made)
		switch {
		case err == nil:
			return next, false, nil
		case errors.Is(err, ErrNotFound):
			return Consent{}, false, notFound()
		case !errors.Is(err, ErrConflict):
			return Consent{}, false, unkept(fmt.Errorf("keep %s: %w", ChangeName(made.Kind), err))
		case expected != 0:
			return Consent{}, false, conflict()
		}
	}
	return Consent{}, false, conflict()
}

// pass waits at the barrier, so that whoever is told of a change may rely on it.
// Asking for the same change again waits again, if the first has not passed.
func (b *Book) pass(ctx context.Context, c Consent, again bool) (Consent, error) {
	if c.Fenced() {
		return c, nil
	}
	if again && mutant.Is(mutant.RetryReturns) {
		return c, nil
	}
	if err := b.barrier.Await(ctx, c.ID, c.Revision); err != nil {
		return Consent{}, refusal.Because(refusal.RecordUnavailable,
			"the change is made, and nothing more is released under the consent as it was; that no answer is still about to leave "+
				"could not be made sure of yet: ask for the same again", fmt.Errorf("barrier: %w", err))
	}
	c.FencedRevision = c.Revision
	// The note is for later readers. If it can't be kept, they read that the
	// barrier was not passed, and Settle passes it again.
	_ = b.store.Fenced(ctx, c.ID, c.Revision)
	return c, nil
}

// Settle passes the barrier for changes whose makers could not, e.g. because
// their process ended. It answers for how many it did.
func (b *Book) Settle(ctx context.Context) (int, error) {
	ids, err := b.store.Unfenced(ctx, sweepBatch)
	if err != nil {
		return 0, unread(ctx, fmt.Errorf("list unfenced consents: %w", err))
	}
	var failed []error
	for _, id := range ids {
		c, err := b.Get(ctx, bySystem{}, id)
		if err == nil {
			_, err = b.pass(ctx, c, true)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("settle %s: %w", id, err))
		}
	}
	return len(ids) - len(failed), errors.Join(failed...)
}

func newID() ID { return ID("con_" + rand.Text()) }

func notFound() error { return refusal.New(refusal.ConsentNotFound, "there is no such consent") }

// unread refuses because the store can't be read; a caller that gave up is told
// only that.
func unread(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return refusal.Because(refusal.RecordUnavailable, "consents can't be read now; try again", err)
}

func unkept(err error) error {
	return refusal.Because(refusal.RecordUnavailable,
		"whether the change was made is not known; read the consent, and ask again if it was not", err)
}

func conflict() error {
	return refusal.New(refusal.ConsentConflict, "the consent was changed in between; read it again and decide anew")
}
