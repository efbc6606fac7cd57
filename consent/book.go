package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/refusal"
)

// attempts bounds how often a change is made anew because others came first.
const attempts = 8

// Book is the service around the state machine: it finds a consent, makes a
// change by one reading of its clock, and keeps the result. It may be used by
// many goroutines.
//
// Refusals are *refusal.Error. Any other error comes from the store; the change
// may then have happened or not. Every change takes the scope of its caller; a
// consent out of its reach is refused as CONSENT_NOT_FOUND, like an absent one.
type Book struct {
	store Store
	now   func() time.Time
}

// NewBook keeps consents in store and reads the time from now.
func NewBook(store Store, now func() time.Time) *Book { return &Book{store: store, now: now} }

// Get reads a consent at its newest revision.
func (b *Book) Get(ctx context.Context, s Scope, id ID) (Consent, error) {
	c, err := b.store.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Consent{}, notFound()
	case err != nil:
		return Consent{}, fmt.Errorf("read consent: %w", err)
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
		return false, fmt.Errorf("read co-holders: %w", err)
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
		return nil, fmt.Errorf("read history: %w", err)
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
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return found, nil
}

// Grant is the present grant of a consent for the gate, whose task it is to
// compare the partner. Absent ones answer an error that is ErrNotFound.
func (b *Book) Grant(ctx context.Context, id ID) (Grant, error) {
	c, err := b.store.Get(ctx, id)
	if err != nil {
		return Grant{}, fmt.Errorf("find grant: %w", err)
	}
	return c.Grant(), nil
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
			return c, nil
		}
		if err != nil {
			return Consent{}, err
		}
		err = b.store.Replace(ctx, next, made)
		switch {
		case err == nil:
			return next, nil
		case errors.Is(err, ErrNotFound):
			return Consent{}, notFound()
		case !errors.Is(err, ErrConflict):
			return Consent{}, fmt.Errorf("keep %s: %w", ChangeName(made.Kind), err)
		case expected != 0:
			return Consent{}, conflict()
		}
	}
	return Consent{}, conflict()
}

func newID() ID { return ID("con_" + rand.Text()) }

func notFound() error { return refusal.New(refusal.ConsentNotFound, "there is no such consent") }

func conflict() error {
	return refusal.New(refusal.ConsentConflict, "the consent was changed in between; read it again and decide anew")
}
