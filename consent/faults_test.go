package consent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice/consent"
	"sluice/refusal"
)

var errDisk = errors.New("disk failed")

// faulty is a store that fails as a test says. The zero value fails never.
type faulty struct {
	consent.Store
	t         *testing.T
	noWrites  bool
	before    func(c consent.Consent) error // of Replace
	after     error                         // of Replace, once it was kept
	create    error
	waiting   error
	get       error
	changes   error
	list, due error
	events    error
}

func (f *faulty) Create(ctx context.Context, c consent.Consent, ch consent.Change) error {
	if f.noWrites {
		f.t.Error("Create was called")
	}
	if f.create != nil {
		return f.create
	}
	return f.Store.Create(ctx, c, ch)
}

func (f *faulty) Replace(ctx context.Context, c consent.Consent, ch consent.Change) error {
	if f.before != nil {
		if err := f.before(c); err != nil {
			return err
		}
	}
	if err := f.Store.Replace(ctx, c, ch); err != nil {
		return err
	}
	return f.after
}

func (f *faulty) Waiting(ctx context.Context, partner consent.PartnerID, since time.Time, most int) (int, error) {
	if f.waiting != nil {
		return 0, f.waiting
	}
	return f.Store.Waiting(ctx, partner, since, most)
}

func (f *faulty) Get(ctx context.Context, id consent.ID) (consent.Consent, error) {
	if f.get != nil {
		return consent.Consent{}, f.get
	}
	return f.Store.Get(ctx, id)
}

func (f *faulty) Changes(ctx context.Context, id consent.ID) ([]consent.Change, error) {
	if f.changes != nil {
		return nil, f.changes
	}
	return f.Store.Changes(ctx, id)
}

func (f *faulty) List(ctx context.Context, q consent.Query) ([]consent.Consent, error) {
	if f.list != nil {
		return nil, f.list
	}
	return f.Store.List(ctx, q)
}

func (f *faulty) Events(ctx context.Context, q consent.EventQuery) ([]consent.Change, consent.Cursor, error) {
	if f.events != nil {
		return nil, consent.Cursor{}, f.events
	}
	return f.Store.Events(ctx, q)
}

// failing is a shelf whose store fails as the test sets it.
func failing() (*shelf, *faulty) {
	f := &faulty{}
	s := newShelf(func(store consent.Store) consent.Store { f.Store = store; return f })
	return s, f
}

func TestAFailingStoreIsRefusedAsUnavailableAndItsCauseIsKept(t *testing.T) {
	s, f := failing()
	ctx := t.Context()
	c := s.authorize(t)
	isDisk := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, errDisk) || refusal.ReasonOf(err) != refusal.RecordUnavailable {
			t.Errorf("%s: error %v, want RECORD_UNAVAILABLE because %v", what, err, errDisk)
		}
	}
	f.before = func(consent.Consent) error { return errDisk }
	_, err := s.Pause(ctx, own, c.ID, 0)
	isDisk("Pause", err)
	f.create, f.changes, f.list = errDisk, errDisk, errDisk
	_, err = s.Request(ctx, "messenger", "morava", terms())
	isDisk("Request", err)
	f.create, f.waiting = nil, errDisk
	_, err = s.Request(ctx, "messenger", "morava", terms())
	isDisk("Request that could not be counted", err)
	_, err = s.History(ctx, own, c.ID)
	isDisk("History", err)
	_, err = s.List(ctx, consent.Query{Bank: "morava", Customer: "9593", Limit: 1})
	isDisk("List", err)
	f.get = errDisk
	_, err = s.Get(ctx, own, c.ID)
	isDisk("Get", err)
}

func TestAChangeThatOthersCameBeforeIsMadeAnewFromTheirs(t *testing.T) {
	s, f := failing()
	ctx := t.Context()
	c := s.authorize(t)
	rivals := 3
	f.before = func(consent.Consent) error {
		if rivals == 0 {
			return nil
		}
		rivals--
		now, err := f.Store.Get(ctx, c.ID)
		if err != nil {
			return err
		}
		by := operator
		change := now.Suspend
		if now.Holds&consent.HeldByOperator != 0 {
			change = now.Unsuspend
		}
		next, ch, err := change(by, start)
		if err != nil {
			return err
		}
		return f.Store.Replace(ctx, next, ch)
	}
	got := kept(t)(s.Suspend(ctx, consent.ByBank("morava"), c.ID))
	if want := consent.HeldByBank | consent.HeldByOperator; got.Holds != want || got.Revision != 6 {
		t.Errorf("holds %03b at revision %d, want %03b at 6", got.Holds, got.Revision, want)
	}
}

func TestAConflictOfTheStoreIsToldWhenARevisionWasNamedAndGivenUpOnOtherwise(t *testing.T) {
	s, f := failing()
	ctx := t.Context()
	c := s.authorize(t)
	tries := 0
	f.before = func(consent.Consent) error { tries++; return consent.ErrConflict }
	_, err := s.Pause(ctx, own, c.ID, c.Revision)
	wantRefusal(t, err, refusal.ConsentConflict)
	if tries != 1 {
		t.Errorf("tried %d times from a named revision, want 1", tries)
	}
	tries = 0
	_, err = s.Pause(ctx, own, c.ID, 0)
	wantRefusal(t, err, refusal.ConsentConflict)
	if tries < 2 || tries > 20 {
		t.Errorf("tried %d times", tries)
	}
}

func TestALostPendingRaceIsNotFound(t *testing.T) {
	s, f := failing()
	ctx := t.Context()
	p := s.request(t)
	raced := false
	f.before = func(consent.Consent) error {
		if raced {
			return nil
		}
		raced = true
		next, ch, err := p.Authorize(choice(), consent.Actor{Kind: consent.ActorCustomer, ID: "1"}, start)
		if err != nil {
			return err
		}
		return f.Store.Replace(ctx, next, ch)
	}
	_, err := s.Authorize(ctx, own, p.ID, 0, choice())
	wantRefusal(t, err, refusal.ConsentNotFound)
}

func TestARevokeWithUnknownOutcomeCanBeRepeated(t *testing.T) {
	s, f := failing()
	ctx := t.Context()
	c := s.authorize(t)
	f.after = errDisk
	_, err := s.Revoke(ctx, own, c.ID)
	if !errors.Is(err, errDisk) {
		t.Fatalf("error %v, want %v", err, errDisk)
	}
	f.after = nil
	if c = kept(t)(s.Revoke(ctx, own, c.ID)); c.Status != consent.Revoked || c.Revision != 3 {
		t.Errorf("%v at revision %d", c.Status, c.Revision)
	}
}

func TestAConsentThatVanishesIsNotFound(t *testing.T) {
	s, f := failing()
	c := s.authorize(t)
	f.before = func(consent.Consent) error { return consent.ErrNotFound }
	_, err := s.Revoke(t.Context(), own, c.ID)
	wantRefusal(t, err, refusal.ConsentNotFound)
}
