package consent_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/refusal"
)

func idsOf(all []consent.Consent) []consent.ID {
	var ids []consent.ID
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

func wantIDs(t *testing.T, got []consent.Consent, want ...consent.ID) {
	t.Helper()
	slices.Sort(want)
	if ids := idsOf(got); !slices.Equal(ids, want) {
		t.Errorf("consents %q, want %q", ids, want)
	}
}

func TestRevokeAllTakesBackAllTheCustomersOwnAndNothingElse(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	active, partial, hidden := s.authorize(t), s.authorize(t, "7001"), s.hide(t)
	paused := kept(t)(s.Pause(ctx, own, s.authorize(t).ID, 0))
	suspended := kept(t)(s.Suspend(ctx, consent.ByBank("morava"), s.authorize(t).ID))
	ended := kept(t)(s.Revoke(ctx, own, s.authorize(t).ID))
	asked := s.request(t)
	ofCoHolder := kept(t)(s.Authorize(ctx, joint, s.request(t).ID, 0, choice("9593")))

	s.reads = 0
	got, err := s.RevokeAll(ctx, own)
	if err != nil || s.reads != 1 {
		t.Errorf("%v after %d readings of the clock", err, s.reads)
	}
	wantIDs(t, got, active.ID, partial.ID, hidden.ID, paused.ID, suspended.ID)
	for _, c := range got {
		if c.Status != consent.Revoked || !c.Fenced() {
			t.Errorf("%s is %v, fenced %v", c.ID, c.Status, c.Fenced())
		}
	}
	s.wantStatus(t, asked.ID, consent.Pending)
	s.wantStatus(t, ofCoHolder.ID, consent.PartiallyAuthorized)
	if now := kept(t)(s.Get(ctx, own, ended.ID)); now.Revision != ended.Revision {
		t.Errorf("what had ended got revision %d", now.Revision)
	}
	if got, err = s.RevokeAll(ctx, own); err != nil || len(got) > 0 {
		t.Errorf("again: %v, %v", got, err)
	}
}

func TestRevokeAllReachesWhatIsBeyondAPage(t *testing.T) {
	s := newShelf()
	for range 401 {
		s.authorize(t)
	}
	if got, err := s.RevokeAll(t.Context(), own); err != nil || len(got) != 401 {
		t.Errorf("revoked %d, %v; want 401", len(got), err)
	}
}

func TestRevokeAllGoesOnAfterOneThatFailsAndAskedAgainDoesTheRest(t *testing.T) {
	s, f := failing()
	ctx := t.Context()
	bad, good := s.authorize(t), s.authorize(t)
	f.before = func(c consent.Consent) error {
		if c.ID == bad.ID {
			return errDisk
		}
		return nil
	}
	got, err := s.RevokeAll(ctx, own)
	if refusal.ReasonOf(err) != refusal.RecordUnavailable || !errors.Is(err, errDisk) {
		t.Errorf("error %v, want RECORD_UNAVAILABLE", err)
	}
	wantIDs(t, got, good.ID)
	f.before = nil
	got, err = s.RevokeAll(ctx, own)
	if err != nil {
		t.Error(err)
	}
	wantIDs(t, got, bad.ID)
}

// Before the first is waited for, all are committed; and a repetition waits for
// what was committed and not told.
func TestRevokeAllCommitsAllBeforeItWaits(t *testing.T) {
	ctx, store, gate := t.Context(), consenttest.NewMemory(), consenttest.NewBarrier()
	var (
		mu           sync.Mutex
		statusAtGate []consent.Status
	)
	b := consent.NewBook(store, awaitFunc(func(ctx context.Context, id consent.ID, revision int64) error {
		mu.Lock()
		defer mu.Unlock()
		all, err := store.List(ctx, consent.Query{Bank: "morava", Customer: "9593", Limit: 10})
		for _, c := range all {
			statusAtGate = append(statusAtGate, c.Status)
		}
		return errors.Join(err, gate.Await(ctx, id, revision))
	}), func() time.Time { return start })
	for range 3 {
		c, err := b.Request(ctx, "messenger", "morava", terms())
		if err != nil {
			t.Fatal(err)
		}
		kept(t)(b.Authorize(ctx, own, c.ID, 0, choice()))
	}
	gate.Fail(errDisk)
	if _, err := b.RevokeAll(ctx, own); refusal.ReasonOf(err) != refusal.RecordUnavailable {
		t.Errorf("error %v while the barrier holds, want RECORD_UNAVAILABLE", err)
	}
	if len(statusAtGate) == 0 || slices.ContainsFunc(statusAtGate, func(s consent.Status) bool { return s != consent.Revoked }) {
		t.Errorf("at the barrier they are %v", statusAtGate)
	}
	if _, err := b.RevokeAll(ctx, own); refusal.ReasonOf(err) != refusal.RecordUnavailable {
		t.Errorf("again: error %v while the barrier holds, want RECORD_UNAVAILABLE", err)
	}
	gate.Fail(nil)
	got, err := b.RevokeAll(ctx, own)
	if err != nil || len(got) != 3 || slices.ContainsFunc(got, func(c consent.Consent) bool { return !c.Fenced() }) {
		t.Errorf("told %v, %v", got, err)
	}
}

type awaitFunc func(ctx context.Context, id consent.ID, revision int64) error

func (f awaitFunc) Await(ctx context.Context, id consent.ID, revision int64) error {
	return f(ctx, id, revision)
}

func TestWithdrawEverywhereTakesTheAccountOutOfAllThatShareIt(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	both, partial := s.authorize(t), s.authorize(t, "7001")
	onlyIt := kept(t)(s.Authorize(ctx, own, s.request(t).ID, 0, consent.Choice{Shares: choice().Shares[:1]}))
	other := kept(t)(s.Authorize(ctx, own, s.request(t).ID, 0, consent.Choice{Shares: choice().Shares[1:]}))
	ended := kept(t)(s.Revoke(ctx, own, s.authorize(t).ID))
	another := kept(t)(s.Authorize(ctx, stranger, s.request(t).ID, 0, choice()))

	s.reads = 0
	got, err := s.WithdrawEverywhere(ctx, "morava", "9593", "A1")
	if err != nil || s.reads != 1 {
		t.Errorf("%v after %d readings of the clock", err, s.reads)
	}
	wantIDs(t, got, both.ID, partial.ID, onlyIt.ID)
	for _, c := range got {
		history, err := s.History(ctx, own, c.ID)
		last := history[len(history)-1]
		if err != nil || last.Kind != consent.KindWithdrawAccount || last.Why != consent.WhyAccountClosed || last.Actor != bank {
			t.Errorf("%s: %+v, %v", c.ID, last, err)
		}
	}
	s.wantStatus(t, onlyIt.ID, consent.Revoked)
	for _, c := range []consent.Consent{other, ended, another} {
		if now := kept(t)(s.Get(ctx, consent.ByOperator("ops"), c.ID)); now.Revision != c.Revision {
			t.Errorf("%s was changed to %+v", c.ID, now)
		}
	}
	if got, err = s.WithdrawEverywhere(ctx, "morava", "9593", "A1"); err != nil || len(got) > 0 {
		t.Errorf("again: %v, %v", got, err)
	}
	if got, err = s.WithdrawEverywhere(ctx, "slezsko", "9593", "A2"); err != nil || len(got) > 0 {
		t.Errorf("by another bank: %v, %v", got, err)
	}
}

func TestWhatChangesTogetherMustBeSomebodys(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	s.authorize(t)
	for _, who := range []consent.ByCustomer{{}, {Customer: "9593"}} {
		if got, err := s.RevokeAll(ctx, who); err == nil || len(got) > 0 {
			t.Errorf("RevokeAll(%+v) = %v, %v", who, got, err)
		}
	}
	// A bank without a customer would be everybody of the bank.
	got, err := s.RevokeAll(ctx, consent.ByCustomer{Bank: "morava"})
	if refusal.ReasonOf(err) != refusal.InvalidRequest || len(got) > 0 {
		t.Errorf("RevokeAll of no customer = %v, %v", got, err)
	}
	got, err = s.WithdrawEverywhere(ctx, "morava", "", "A1")
	if refusal.ReasonOf(err) != refusal.InvalidRequest || len(got) > 0 {
		t.Errorf("WithdrawEverywhere of no customer = %v, %v", got, err)
	}
}
