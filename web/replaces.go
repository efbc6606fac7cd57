package web

import (
	"fmt"
	"time"

	"sluice/consent"
	"sluice/refusal"
)

// replaced is the consent whose place a request is to take, as its customer sees
// what would change.
type replaced struct {
	Since   time.Time // when it was given
	Lines   []shareLine
	Unnamed bool
	New     consent.Clusters // asked for, and of no account had
	Gone    consent.Clusters // had, and no longer asked for
	Moved   []moved
}

// moved is one thing that would be otherwise than it is.
type moved struct{ Key, From, To string }

// Same says that nothing would change but what the customer ticks.
func (r replaced) Same() bool { return r.New == 0 && r.Gone == 0 && len(r.Moved) == 0 }

// replaces reads what a request is to replace; nil if that is nothing that the
// customer gave and that still stands. Another's is never shown.
func (v *visit) replaces(id consent.ID, who Identity) (*consent.Consent, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // nothing is no failure
	}
	old, err := v.config.Book.Get(v.ctx(), who.as(), id)
	if err != nil {
		if refusal.ReasonOf(err) == refusal.ConsentNotFound {
			return nil, nil //nolint:nilnil // another's is like none
		}
		return nil, fmt.Errorf("read what is replaced: %w", err)
	}
	if old.Customer != who.Customer || consent.Ended(old.Status) {
		return nil, nil //nolint:nilnil // nothing is no failure
	}
	return &old, nil
}

// difference says what would change if the customer gave all that is asked.
func (v *visit) difference(a asked, k known) (*replaced, error) {
	if a.replaces == nil {
		return nil, nil //nolint:nilnil // nothing is no failure
	}
	old, next := *a.replaces, a.consent
	history, err := v.config.Book.History(v.ctx(), a.who.as(), old.ID)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	out := &replaced{Since: old.CreatedAt}
	for _, ch := range history {
		if ch.Kind == consent.KindAuthorize && ch.Actor.Kind == consent.ActorCustomer {
			out.Since = ch.At
		}
	}
	var had consent.Clusters
	for _, s := range old.Shares {
		had |= s.Clusters
	}
	out.New, out.Gone = next.Asked.Clusters&^had, had&^next.Asked.Clusters
	out.Lines, out.Unnamed = v.lines(old, true, k)
	move := func(key, from, to string) {
		if from != to {
			out.Moved = append(out.Moved, moved{key, from, to})
		}
	}
	w := v.words
	move("ask.why", w.say(purposeKey(old.Asked.Purpose)), w.say(purposeKey(next.Asked.Purpose)))
	move("ask.past", w.span(lookBack(old, had)), w.span(lookBack(next, next.Asked.Clusters)))
	move("ask.end", w.moment(old.ValidUntil), w.moment(next.ValidUntil))
	move("ask.unattended", w.times(old.Asked.UnattendedPerDay), w.times(next.Asked.UnattendedPerDay))
	move("ask.retention", w.span(old.Asked.RetentionDays), w.span(next.Asked.RetentionDays))
	return out, nil
}

// lookBack is the days of the past that bound some kinds; 0 if none of them is
// bound.
func lookBack(c consent.Consent, kinds consent.Clusters) int {
	if !past(kinds) {
		return 0
	}
	return c.LookBackDays
}

// span is a number of days in words.
func (s *speech) span(days int) string {
	if days == 0 {
		return s.say("span.none")
	}
	return s.count("span.days", days)
}

// times is how often a day in words.
func (s *speech) times(n int) string {
	if n == 0 {
		return s.say("span.never")
	}
	return s.count("span.times", n)
}
