package consent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice/consent"
)

const sitting = 15 * time.Minute

func (f *faulty) Due(ctx context.Context, at time.Time, limit int) ([]consent.ID, error) {
	if f.due != nil {
		return nil, f.due
	}
	return f.Store.Due(ctx, at, limit)
}

func unused(context.Context, consent.ID) (time.Time, bool, error) { return time.Time{}, false, nil }

func neverUsed(context.Context, []consent.ID) (map[consent.ID]time.Time, error) { return nil, nil }

func usedAt(at time.Time) consent.FirstUse {
	return func(context.Context, consent.ID) (time.Time, bool, error) { return at, true, nil }
}

func (s *shelf) oneTime(t *testing.T) consent.Consent {
	t.Helper()
	p := s.request(t, func(a *consent.Terms) { a.OneTime = true })
	return kept(t)(s.Authorize(t.Context(), own, p.ID, 0, choice()))
}

func (s *shelf) wantSweep(t *testing.T, use consent.FirstUse, want int) {
	t.Helper()
	if n, err := s.Sweep(t.Context(), use, neverUsed, sitting); err != nil || n != want {
		t.Errorf("swept %d, %v; want %d", n, err, want)
	}
}

func (s *shelf) wantStatus(t *testing.T, id consent.ID, want consent.Status) {
	t.Helper()
	if c, err := s.Get(t.Context(), consent.ByOperator("ops"), id); err != nil || c.Status != want {
		t.Errorf("%v, %v; want %v", c.Status, err, want)
	}
}

func TestSweepEndsWhatTheClockEnds(t *testing.T) {
	s := newShelf()
	asked, partial, active := s.request(t), s.authorize(t, "7001"), s.authorize(t)
	paused := kept(t)(s.Pause(t.Context(), own, s.authorize(t).ID, 0))
	s.at = start.Add(time.Hour - time.Millisecond)
	s.wantSweep(t, unused, 0)
	s.at = start.Add(time.Hour)
	s.wantSweep(t, unused, 2)
	s.wantSweep(t, unused, 0)
	s.wantStatus(t, asked.ID, consent.Expired)
	s.wantStatus(t, partial.ID, consent.Expired)
	s.wantStatus(t, active.ID, consent.Active)
	s.at = active.ValidUntil
	s.wantSweep(t, unused, 2)
	s.wantStatus(t, active.ID, consent.Expired)
	s.wantStatus(t, paused.ID, consent.Expired)
}

func TestSweepConsumesWhenTheSittingIsOver(t *testing.T) {
	s := newShelf()
	once, often := s.oneTime(t), s.authorize(t)
	held := kept(t)(s.Suspend(t.Context(), consent.ByBank("morava"), s.oneTime(t).ID))
	s.wantSweep(t, unused, 0)
	use := usedAt(start)
	s.at = start.Add(sitting - time.Millisecond)
	s.wantSweep(t, use, 0)
	s.at = start.Add(sitting)
	s.wantSweep(t, use, 2)
	s.wantSweep(t, use, 0)
	s.wantStatus(t, once.ID, consent.Consumed)
	s.wantStatus(t, held.ID, consent.Consumed)
	s.wantStatus(t, often.ID, consent.Active)
}

func TestSweepExpiresAOneTimeConsentThatIsBoth(t *testing.T) {
	s := newShelf()
	once := s.oneTime(t)
	s.at = once.ValidUntil
	s.wantSweep(t, usedAt(start), 1)
	s.wantStatus(t, once.ID, consent.Expired)
}

func TestSweepReachesWhatStandsBehindManyUnusedOneTimeConsents(t *testing.T) {
	s := newShelf()
	for range 700 {
		s.oneTime(t)
	}
	s.at = s.at.Add(time.Second) // so that they come first
	last := s.request(t)
	s.at = last.CreatedAt.Add(time.Hour)
	asked := map[consent.ID]int{}
	s.wantSweep(t, func(_ context.Context, id consent.ID) (time.Time, bool, error) {
		asked[id]++
		return time.Time{}, false, nil
	}, 1)
	s.wantStatus(t, last.ID, consent.Expired)
	if len(asked) != 700 {
		t.Errorf("asked for the first use of %d consents, want 700", len(asked))
	}
	for id, n := range asked {
		if n != 1 {
			t.Errorf("asked %d times for the first use of %s", n, id)
		}
	}
}

// An unused one-time consent can't have had its sitting for as long as one lasts,
// so it need not be looked at before; and it still ends to the moment.
func TestSweepLooksAtAnUnusedOneTimeConsentOnceASitting(t *testing.T) {
	s := newShelf()
	once := s.oneTime(t)
	looks := 0
	var used time.Time
	use := func(context.Context, consent.ID) (time.Time, bool, error) {
		looks++
		return used, !used.IsZero(), nil
	}
	for _, step := range []struct {
		after time.Duration
		looks int
	}{{0, 1}, {0, 1}, {sitting - time.Millisecond, 1}, {sitting, 2}, {2*sitting - time.Millisecond, 2}} {
		s.at = start.Add(step.after)
		s.wantSweep(t, use, 0)
		if looks != step.looks {
			t.Errorf("looked %d times after %v, want %d", looks, step.after, step.looks)
		}
	}
	used = start.Add(sitting + time.Minute)
	s.at = start.Add(2 * sitting) // it finds the use
	s.wantSweep(t, use, 0)
	s.at = used.Add(sitting - time.Millisecond)
	s.wantSweep(t, use, 0)
	s.at = used.Add(sitting)
	s.wantSweep(t, use, 1)
	s.wantStatus(t, once.ID, consent.Consumed)
	if looks != 4 {
		t.Errorf("looked %d times", looks)
	}
}

// However many are due at once, e.g. after an upgrade, the record is asked about
// few at a time, and each once.
func TestSweepAsksForLastUsesInSmallParts(t *testing.T) {
	s := newShelf()
	const many = 1500
	for range many {
		s.authorize(t)
	}
	s.at = s.at.Add(consent.UnusedFor)
	asked := map[consent.ID]int{}
	n, err := s.Sweep(t.Context(), unused, func(_ context.Context, ids []consent.ID) (map[consent.ID]time.Time, error) {
		if len(ids) > 256 {
			t.Errorf("asked for %d at once", len(ids))
		}
		used := map[consent.ID]time.Time{}
		for _, id := range ids {
			asked[id]++
			used[id] = s.at
		}
		return used, nil
	}, sitting)
	if err != nil || n != 0 || len(asked) != many {
		t.Errorf("swept %d, %v, having asked about %d", n, err, len(asked))
	}
	for id, times := range asked {
		if times != 1 {
			t.Errorf("asked %d times about %s", times, id)
		}
	}
}

func TestSweepGoesOnAfterOneThatFails(t *testing.T) {
	s, f := failing()
	bad, good, once := s.request(t), s.request(t), s.oneTime(t)
	f.before = func(c consent.Consent) error {
		if c.ID == bad.ID {
			return errDisk
		}
		return nil
	}
	s.at = start.Add(time.Hour)
	errLog := errors.New("log failed")
	n, err := s.Sweep(t.Context(), func(context.Context, consent.ID) (time.Time, bool, error) {
		return time.Time{}, false, errLog
	}, neverUsed, sitting)
	if n != 1 || !errors.Is(err, errDisk) || !errors.Is(err, errLog) {
		t.Errorf("swept %d, error %v; want 1 and both failures", n, err)
	}
	s.wantStatus(t, good.ID, consent.Expired)
	s.wantStatus(t, bad.ID, consent.Pending)
	s.wantStatus(t, once.ID, consent.Active)
}

func TestSweepLeavesWhatOthersChangedFirst(t *testing.T) {
	s, f := failing()
	c := s.authorize(t)
	s.at = c.ValidUntil
	raced := false
	f.before = func(consent.Consent) error {
		if raced {
			return nil
		}
		raced = true
		next, ch, err := c.Revoke(customer, s.at)
		if err != nil {
			return err
		}
		return f.Store.Replace(t.Context(), next, ch)
	}
	s.wantSweep(t, unused, 0)
	s.wantStatus(t, c.ID, consent.Revoked)
}

func TestSweepTellsThatNothingCouldBeRead(t *testing.T) {
	s, f := failing()
	s.oneTime(t)
	f.due = errDisk
	if n, err := s.Sweep(t.Context(), unused, neverUsed, sitting); n != 0 || !errors.Is(err, errDisk) {
		t.Errorf("swept %d, error %v", n, err)
	}
	f.due, f.get = nil, errDisk
	if n, err := s.Sweep(t.Context(), unused, neverUsed, sitting); n != 0 || !errors.Is(err, errDisk) {
		t.Errorf("swept %d, error %v", n, err)
	}
}

func TestSweepStopsWhenItsCallerDoes(t *testing.T) {
	s := newShelf()
	for range 10 {
		s.oneTime(t)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	_, err := s.Sweep(ctx, func(context.Context, consent.ID) (time.Time, bool, error) {
		asked++
		cancel()
		return time.Time{}, false, nil
	}, neverUsed, sitting)
	if !errors.Is(err, context.Canceled) || asked != 1 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
}

func (s *shelf) history(t *testing.T, id consent.ID) []consent.ChangeKind {
	t.Helper()
	all, err := s.History(t.Context(), consent.ByOperator("ops"), id)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []consent.ChangeKind
	for _, ch := range all {
		kinds = append(kinds, ch.Kind)
	}
	return kinds
}

func TestSweepAnnouncesEachEndOnce(t *testing.T) {
	s := newShelf()
	c := s.authorize(t)
	paused := kept(t)(s.Pause(t.Context(), own, s.authorize(t).ID, 0))
	s.request(t, func(a *consent.Terms) { a.ValidUntil = start.Add(20 * day) })
	// Looked at in between, so that being unused does not come first.
	kept(t)(s.Pause(t.Context(), own, c.ID, 0))
	s.at = start.Add(149 * day)
	kept(t)(s.Resume(t.Context(), own, c.ID, 0))
	s.wantSweep(t, unused, 1) // the one nobody agreed to
	s.at = start.Add(150 * day)
	s.wantSweep(t, unused, 2)
	s.wantSweep(t, unused, 0)
	s.wantStatus(t, c.ID, consent.Active)
	s.wantStatus(t, paused.ID, consent.Paused)
	if got := s.history(t, c.ID); got[len(got)-1] != consent.KindAnnounceEnd {
		t.Errorf("history %v", got)
	}
}

func TestSweepPausesWhatIsUnusedAndLeavesWhatIsUsed(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	idle, busy := s.authorize(t), s.authorize(t)
	held := kept(t)(s.Suspend(ctx, consent.ByBank("morava"), s.authorize(t).ID))
	var asked [][]consent.ID
	use := func(_ context.Context, ids []consent.ID) (map[consent.ID]time.Time, error) {
		asked = append(asked, ids)
		return map[consent.ID]time.Time{busy.ID: start.Add(60 * day)}, nil
	}
	sweep := func(want int) {
		t.Helper()
		if n, err := s.Sweep(ctx, unused, use, sitting); err != nil || n != want {
			t.Errorf("swept %d, %v; want %d", n, err, want)
		}
	}
	s.at = start.Add(90*day - time.Millisecond)
	sweep(0)
	if len(asked) != 0 {
		t.Errorf("asked for the last use of %v before it could matter", asked)
	}
	s.at = start.Add(90 * day)
	sweep(1)
	s.wantStatus(t, idle.ID, consent.Paused)
	s.wantStatus(t, busy.ID, consent.Active)
	s.wantStatus(t, held.ID, consent.Suspended)
	if len(asked) != 1 || len(asked[0]) != 2 {
		t.Errorf("asked for %v, want both at once", asked)
	}
	s.at = start.Add(149 * day)
	sweep(0)
	if len(asked) != 1 {
		t.Errorf("asked again for what is in use: %v", asked[1:])
	}
	kept(t)(s.Resume(ctx, own, idle.ID, 0))
	sweep(0)
}

func TestSweepPausesNothingWhenUsesAreNotKnown(t *testing.T) {
	s := newShelf()
	idle, asked := s.authorize(t), s.request(t)
	s.at = start.Add(90 * day)
	n, err := s.Sweep(t.Context(), unused, func(context.Context, []consent.ID) (map[consent.ID]time.Time, error) {
		return nil, errDisk
	}, sitting)
	if n != 1 || !errors.Is(err, errDisk) {
		t.Errorf("swept %d, %v; want 1, and the failure", n, err)
	}
	s.wantStatus(t, idle.ID, consent.Active)
	s.wantStatus(t, asked.ID, consent.Expired)
	s.wantSweep(t, unused, 1)
	s.wantStatus(t, idle.ID, consent.Paused)
}

func TestSweepDoesNotPauseWhatChangedSinceItsUseWasRead(t *testing.T) {
	s := newShelf()
	c := s.authorize(t)
	s.at = start.Add(90 * day)
	n, err := s.Sweep(t.Context(), unused, func(context.Context, []consent.ID) (map[consent.ID]time.Time, error) {
		thirty := 30
		kept(t)(s.Narrow(t.Context(), own, c.ID, 0, consent.Narrowing{LookBackDays: &thirty}))
		return nil, nil
	}, sitting)
	if n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	s.wantStatus(t, c.ID, consent.Active)
}
