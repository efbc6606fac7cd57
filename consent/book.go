package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
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
	ok, err := b.reaches(ctx, s, c)
	if err != nil {
		return Consent{}, err
	}
	if !ok {
		return Consent{}, notFound()
	}
	return c, nil
}

// reaches asks the scope, and for a customer of the bank who is out of reach
// the history: who once decided as a co-holder stays one.
func (b *Book) reaches(ctx context.Context, s Scope, c Consent) (bool, error) {
	if s == nil || s.reaches(c) {
		return s != nil, nil
	}
	holder, ok := s.(ByCustomer)
	if !ok || holder.Customer == "" || holder.Bank != c.Bank {
		return false, nil
	}
	history, err := b.store.Changes(ctx, c.ID)
	if err != nil {
		return false, unread(ctx, fmt.Errorf("read co-holders: %w", err))
	}
	return slices.ContainsFunc(history, func(ch Change) bool {
		return ch.Actor == Actor{Kind: ActorCoHolder, ID: string(holder.Customer)}
	}), nil
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

// List reads one customer's own consents, newest first. A query without bank
// and customer, or for less than one consent, is refused.
func (b *Book) List(ctx context.Context, q Query) ([]Consent, error) {
	var f faults
	f.named("bank_id", string(q.Bank))
	f.named("customer_id", string(q.Customer))
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

// change finds a consent, changes it and keeps the result. expected is the
// revision the caller saw; 0 means any, and then a change that others came
// before is made anew from what they left.
func (b *Book) change(ctx context.Context, s Scope, id ID, expected int64, do apply) (Consent, error) {
	at := moment(b.now())
	for range attempts {
		c, err := b.Get(ctx, s, id)
		if err != nil {
			return Consent{}, err
		}
		if expected != 0 && c.Revision != expected {
			return Consent{}, conflict()
		}
		next, made, err := do(c, s.actor(c), at)
		if errors.Is(err, ErrNoChange) {
			return b.pass(ctx, c, true)
		}
		if err != nil {
			return Consent{}, err
		}
		err = b.store.Replace(ctx, next, made)
		switch {
		case err == nil:
			return b.pass(ctx, next, false)
		case errors.Is(err, ErrNotFound):
			return Consent{}, notFound()
		case !errors.Is(err, ErrConflict):
			return Consent{}, unkept(fmt.Errorf("keep %s: %w", ChangeName(made.Kind), err))
		case expected != 0:
			return Consent{}, conflict()
		}
	}
	return Consent{}, conflict()
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
