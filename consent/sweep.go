package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/refusal"
)

// sweepBatch is how many consents a sweep asks the store for at first, and how
// many it looks at together.
const sweepBatch = 256

// FirstUse tells when data was first released under a consent; false if never.
type FirstUse = func(ctx context.Context, id ID) (time.Time, bool, error)

// LastUse tells when data was last released under each of some consents; those
// under which none was are left out.
type LastUse = func(ctx context.Context, ids []ID) (map[ID]time.Time, error)

// NextLook is when a sweep has to look at a consent that has not ended, if it
// is not changed before: because it ends, its end is to be announced, or it may
// be unused. It is the zero time, which is at once, for a one-time consent that
// is Live: that ends by its use, of which the record knows.
func (c Consent) NextLook() time.Time {
	if Live(c.Status) && c.Asked.OneTime {
		return time.Time{}
	}
	return c.nextLook(time.Time{})
}

// nextLook is NextLook by what else is known, and without one-time consents.
func (c Consent) nextLook(lastUse time.Time) time.Time {
	next, _ := c.endByTime()
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if c.toAnnounce() {
		sooner(c.announcedFrom())
	}
	if c.Status == Active {
		sooner(c.unusedFrom(lastUse))
	}
	return next
}

// sweep is one sweep under way.
type sweep struct {
	book     *Book
	at       time.Time
	firstUse FirstUse
	lastUse  LastUse
	sitting  time.Duration
	seen     map[ID]bool
	changed  int
	failed   []error
}

// Sweep does what time does: it expires what is due, consumes one-time consents
// whose sitting, which begins with their first use, is over, announces ends, and
// pauses what is unused; one of these for each consent, in this order. It
// answers how many it changed. A consent that fails does not keep the others
// from theirs; the error has them all. Sweeps may run at once; each change is
// made once.
func (b *Book) Sweep(ctx context.Context, firstUse FirstUse, lastUse LastUse, sitting time.Duration) (int, error) {
	s := &sweep{book: b, at: moment(b.now()), firstUse: firstUse, lastUse: lastUse, sitting: sitting, seen: map[ID]bool{}}
	// What fails, and one-time consents about to end, stay listed. So that they
	// can't crowd out what comes behind them, each turn asks for more.
	for limit := sweepBatch; ; limit *= 2 {
		ids, err := b.store.Due(ctx, s.at, limit)
		if err != nil {
			s.fail("list due consents", err)
			break
		}
		for part := range slices.Chunk(ids, sweepBatch) {
			s.turn(ctx, part)
		}
		if ctx.Err() != nil {
			s.fail("sweep", ctx.Err())
			break
		}
		if len(ids) < limit {
			break
		}
	}
	return s.changed, errors.Join(s.failed...)
}

func (s *sweep) fail(doing string, err error) {
	s.failed = append(s.failed, fmt.Errorf("%s: %w", doing, err))
}

// turn looks at each consent that was not looked at yet.
func (s *sweep) turn(ctx context.Context, ids []ID) {
	var all []Consent
	for _, id := range ids {
		if s.seen[id] || ctx.Err() != nil {
			continue
		}
		s.seen[id] = true
		c, err := s.book.Get(ctx, bySystem{}, id)
		if err != nil {
			s.fail("sweep "+string(id), err)
			continue
		}
		all = append(all, c)
	}
	last, known := s.used(ctx, all)
	for _, c := range all {
		if ctx.Err() != nil {
			return
		}
		changed, err := s.one(ctx, c, last[c.ID], known)
		if err != nil {
			s.fail("sweep "+string(c.ID), err)
		}
		if changed {
			s.changed++
		}
	}
}

// used asks for the last use of those that may be unused; false if that is not
// known.
func (s *sweep) used(ctx context.Context, all []Consent) (map[ID]time.Time, bool) {
	var ask []ID
	for _, c := range all {
		if c.Status == Active && !c.unusedFrom(time.Time{}).After(s.at) && !c.due(s.at) {
			ask = append(ask, c.ID)
		}
	}
	if len(ask) == 0 {
		return nil, true
	}
	last, err := s.lastUse(ctx, ask)
	if err != nil {
		s.fail("read last uses", err)
	}
	return last, err == nil
}

// one says whether it changed the consent. Whoever came first is no error.
func (s *sweep) one(ctx context.Context, c Consent, lastUse time.Time, known bool) (bool, error) {
	sitting, err := s.sittingEnds(ctx, c)
	if err != nil {
		return false, fmt.Errorf("read first use: %w", err)
	}
	switch {
	case c.due(s.at):
		_, err = s.book.Expire(ctx, c.ID)
	case !sitting.IsZero() && !sitting.After(s.at):
		_, err = s.book.Consume(ctx, c.ID)
	case c.toAnnounce() && !c.announcedFrom().After(s.at):
		_, err = s.book.announceEnd(ctx, c.ID)
	case c.Status == Active && known && !c.unusedFrom(lastUse).After(s.at):
		_, err = s.book.pauseUnused(ctx, c, lastUse)
	default:
		return false, s.postpone(ctx, c, lastUse, sitting)
	}
	if reason := refusal.ReasonOf(err); err != nil && (reason == refusal.ChangeNotPossible || reason == refusal.ConsentConflict) {
		return false, nil
	}
	return err == nil, err
}

// postpone keeps a consent from being listed until there may be something to do.
func (s *sweep) postpone(ctx context.Context, c Consent, lastUse, sitting time.Time) error {
	next := c.nextLook(lastUse)
	if !sitting.IsZero() && sitting.Before(next) {
		next = sitting
	}
	if !next.After(s.at) {
		return nil
	}
	if err := s.book.store.Postpone(ctx, c.ID, c.Revision, next); err != nil {
		return fmt.Errorf("postpone: %w", err)
	}
	return nil
}

// sittingEnds is when the sitting of a one-time consent is over, or if it was not
// used yet, before when it can't be; zero for others.
func (s *sweep) sittingEnds(ctx context.Context, c Consent) (time.Time, error) {
	if !c.Asked.OneTime || !Live(c.Status) || c.due(s.at) {
		return time.Time{}, nil
	}
	first, used, err := s.firstUse(ctx, c.ID)
	if !used {
		first = s.at
	}
	return first.Add(s.sitting), err
}

func (b *Book) announceEnd(ctx context.Context, id ID) (Consent, error) {
	return b.change(ctx, bySystem{}, id, 0, func(c Consent, _ Actor, at time.Time) (Consent, Change, error) {
		return c.AnnounceEnd(at)
	})
}

// pauseUnused pauses the consent as it was when its last use was read.
func (b *Book) pauseUnused(ctx context.Context, c Consent, lastUse time.Time) (Consent, error) {
	return b.change(ctx, bySystem{}, c.ID, c.Revision, func(c Consent, _ Actor, at time.Time) (Consent, Change, error) {
		return c.PauseUnused(lastUse, at)
	})
}
