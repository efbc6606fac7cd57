package consent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/refusal"
)

func TestAskingForRenewalMovesNothingButTheWish(t *testing.T) {
	at := start.Add(100 * day)
	for _, test := range []struct {
		name        string
		until, want time.Time
	}{
		{"a millisecond later", start.Add(180*day + time.Millisecond), start.Add(180*day + time.Millisecond)},
		{"the longest from now", at.Add(consent.MaxDuration), at.Add(consent.MaxDuration)},
		{"beyond the longest", at.AddDate(9, 0, 0), at.Add(consent.MaxDuration)},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := authorized(t)
			c, ch, err := before.AskRenewal(test.until, partner, at)
			c = made(t, before, c, ch, err)
			want := before.Clone()
			want.Revision, want.RenewalAsked, want.RenewalAskAt, want.ChangedAt = 3, test.want, at, at
			if d := cmp.Diff(want, c); d != "" {
				t.Errorf("consent (-want +got):\n%s", d)
			}
			again, ch, err := c.AskRenewal(test.until, partner, at.Add(time.Hour))
			if !errors.Is(err, consent.ErrNoChange) || ch != (consent.Change{}) || !cmp.Equal(c, again) {
				t.Errorf("asked again: %v, %v", ch, err)
			}
		})
	}
	for _, until := range []time.Time{{}, start, start.Add(180 * day)} {
		_, _, err := authorized(t).AskRenewal(until, partner, at)
		wantRefusal(t, err, refusal.InvalidRequest, "valid_until")
	}
}

func TestAPartnerHasOneNewWishForRenewalADay(t *testing.T) {
	ask := func(c consent.Consent, until, at time.Time) consent.Consent {
		t.Helper()
		next, ch, err := c.AskRenewal(until, partner, at)
		return made(t, c, next, ch, err)
	}
	c := authorized(t)
	first := ask(c, start.Add(300*day), start.Add(day))
	for _, until := range []time.Time{start.Add(299 * day), start.Add(301 * day), start.AddDate(9, 0, 0)} {
		_, _, err := first.AskRenewal(until, partner, start.Add(2*day-time.Millisecond))
		wantNotPossible(t, err, consent.Active)
	}
	// Answering makes no room for the next one.
	renewed, ch, err := first.Renew(start.Add(200*day), customer, start.Add(day+time.Hour))
	renewed = made(t, first, renewed, ch, err)
	_, _, err = renewed.AskRenewal(start.Add(301*day), partner, start.Add(2*day-time.Millisecond))
	wantNotPossible(t, err, consent.Active)
	ask(renewed, start.Add(301*day), start.Add(2*day))
	// A few hours more or less are the same wish. So the longest, which is a moment
	// later each time, is no new one for a day.
	if _, _, err = first.AskRenewal(start.Add(300*day-time.Hour), partner, start.Add(day+time.Hour)); !errors.Is(err, consent.ErrNoChange) {
		t.Errorf("asked for an hour less: %v", err)
	}
	most := ask(first, start.AddDate(9, 0, 0), start.Add(2*day))
	if _, _, err = most.AskRenewal(start.AddDate(8, 0, 0), partner, start.Add(3*day-time.Millisecond)); !errors.Is(err, consent.ErrNoChange) {
		t.Errorf("asked for the longest again: %v", err)
	}
	ask(most, start.AddDate(8, 0, 0), start.Add(3*day))
}

func TestAWishForRenewalIsOverWhenItIsAnsweredOrTheConsentEnds(t *testing.T) {
	c, ch, err := authorized(t).AskRenewal(start.Add(300*day), partner, start.Add(day))
	asked := made(t, authorized(t), c, ch, err)
	for name, do := range map[string]func() (consent.Consent, consent.Change, error){
		"renewed by less": func() (consent.Consent, consent.Change, error) {
			return asked.Renew(start.Add(200*day), customer, start.Add(2*day))
		},
		"revoked": func() (consent.Consent, consent.Change, error) { return asked.Revoke(bank, start.Add(2*day)) },
		"expired": func() (consent.Consent, consent.Change, error) { return asked.Expire(asked.ValidUntil) },
	} {
		c, ch, err := do()
		if c = made(t, asked, c, ch, err); !c.RenewalAsked.IsZero() {
			t.Errorf("%s: the partner still asks for %v", name, c.RenewalAsked)
		}
	}
	c, ch, err = asked.Pause(customer, start.Add(2*day))
	if c = made(t, asked, c, ch, err); !c.RenewalAsked.Equal(start.Add(300 * day)) {
		t.Errorf("paused: the wish is %v", c.RenewalAsked)
	}
}

func TestAnEndIsAnnouncedOnceAndAgainWhenItMoved(t *testing.T) {
	c := authorized(t)
	near := c.ValidUntil.Add(-30 * day)
	_, _, err := c.AnnounceEnd(near.Add(-time.Millisecond))
	wantNotPossible(t, err, consent.Active)
	told, ch, err := c.AnnounceEnd(near)
	told = made(t, c, told, ch, err)
	if !told.EndAnnounced.Equal(c.ValidUntil) || !told.DecidedAt.Equal(c.DecidedAt) || ch.Actor != system {
		t.Errorf("announced %v by %v, decided at %v", told.EndAnnounced, ch.Actor, told.DecidedAt)
	}
	_, _, err = told.AnnounceEnd(near.Add(day))
	wantNotPossible(t, err, consent.Active)

	renewed, ch, err := told.Renew(near.Add(40*day), customer, near.Add(day))
	renewed = made(t, told, renewed, ch, err)
	_, _, err = renewed.AnnounceEnd(near.Add(2 * day))
	wantNotPossible(t, err, consent.Active)
	again, ch, err := renewed.AnnounceEnd(near.Add(10 * day))
	made(t, renewed, again, ch, err)
}

func TestTheEndOfAShortConsentIsNotAnnounced(t *testing.T) {
	for _, test := range []struct {
		life time.Duration
		want bool
	}{{day, false}, {30 * day, false}, {30*day + time.Millisecond, true}} {
		p := pending(t, func(terms *consent.Terms) { terms.ValidUntil = start.Add(test.life) })
		c, ch, err := p.Authorize(choice(), customer, start)
		c = made(t, p, c, ch, err)
		if _, _, err := c.AnnounceEnd(c.ValidUntil.Add(-time.Hour)); (err == nil) != test.want {
			t.Errorf("one of %v: %v, want announced: %v", test.life, err, test.want)
		}
	}
}

func TestWhatIsUnusedIsPausedInTheCustomersPlace(t *testing.T) {
	c := authorized(t)
	for _, test := range []struct {
		name    string
		use, at time.Time
		want    bool
	}{
		{"never used, too early", time.Time{}, c.DecidedAt.Add(90*day - time.Millisecond), false},
		{"never used", time.Time{}, c.DecidedAt.Add(90 * day), true},
		{"used, too early", start.Add(10 * day), start.Add(100*day - time.Millisecond), false},
		{"used long ago", start.Add(10 * day), start.Add(100 * day), true},
		{"used before it was changed", start, c.DecidedAt.Add(90*day - time.Millisecond), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			next, ch, err := c.PauseUnused(test.use, test.at)
			if !test.want {
				wantNotPossible(t, err, consent.Active)
				return
			}
			next = made(t, c, next, ch, err)
			if next.Status != consent.Paused || ch.Why != consent.WhyUnused || ch.Actor != system {
				t.Errorf("%v because %v by %v", next.Status, ch.Why, ch.Actor)
			}
			resumed, ch, err := next.Resume(customer, test.at.Add(time.Hour))
			if resumed = made(t, next, resumed, ch, err); resumed.Status != consent.Active {
				t.Errorf("resumed to %v", resumed.Status)
			}
			_, _, err = resumed.PauseUnused(test.use, test.at.Add(2*time.Hour))
			wantNotPossible(t, err, consent.Active)
		})
	}
}

func TestAPartnersWishIsNoUse(t *testing.T) {
	c := authorized(t)
	asked, ch, err := c.AskRenewal(start.Add(300*day), partner, start.Add(89*day))
	asked = made(t, c, asked, ch, err)
	paused, ch, err := asked.PauseUnused(time.Time{}, c.DecidedAt.Add(90*day))
	made(t, asked, paused, ch, err)
}
