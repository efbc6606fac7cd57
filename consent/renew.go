package consent

import "time"

// Renew gives the consent a later end, at most MaxDuration from now. With that
// the partner's asking for one is answered. Nothing else changes.
func (c Consent) Renew(until time.Time, by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindRenew, by: by, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	var f faults
	next.ValidUntil, next.RenewalAsked = moment(until), time.Time{}
	switch {
	case !next.ValidUntil.After(c.ValidUntil):
		f.add("valid_until", "is not later than the present end")
	case next.ValidUntil.After(s.at.Add(MaxDuration)):
		f.add("valid_until", "is more than %d days from now", MaxDuration/(24*time.Hour))
	}
	if err := f.refuse(); err != nil {
		return Consent{}, Change{}, err
	}
	return c.finish(s, next)
}

// AskRenewal notes the later end that the partner asks its customer for; the
// end stays as it is. One beyond MaxDuration from now is brought forward to
// that. A partner has one wish in each RenewalAskedEvery, so that nobody is
// pressed and the history stays readable: asking for the same, or for less than
// a day more or less than lately, answers the consent as it is and ErrNoChange,
// and for another end it is too early.
func (c Consent) AskRenewal(until time.Time, by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindAskRenewal, by: by, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	end := moment(until)
	if longest := s.at.Add(MaxDuration); end.After(longest) {
		end = longest
	}
	early := s.at.Before(c.RenewalAskAt.Add(RenewalAskedEvery))
	switch {
	case !end.After(c.ValidUntil):
		var f faults
		f.add("valid_until", "is not later than the present end")
		return Consent{}, Change{}, f.refuse()
	case end.Equal(c.RenewalAsked), early && end.Sub(c.RenewalAsked).Abs() < 24*time.Hour:
		return c, Change{}, ErrNoChange
	case early:
		return Consent{}, Change{}, notPossible(c, "the partner asked for another end less than a day ago")
	}
	next.RenewalAsked, next.RenewalAskAt = end, s.at
	return c.finish(s, next)
}

// AnnounceEnd notes that the end is near: EndAnnouncedBefore or less. Each end
// is announced once, and none of a consent that was never to last longer.
func (c Consent) AnnounceEnd(at time.Time) (Consent, Change, error) {
	s := step{kind: KindAnnounceEnd, by: Actor{Kind: ActorSystem}, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	if !c.toAnnounce() || c.announcedFrom().After(s.at) {
		return Consent{}, Change{}, notPossible(c, "its end is not near, or was announced")
	}
	next.EndAnnounced = c.ValidUntil
	return c.finish(s, next)
}

// toAnnounce says whether the present end is still to be announced.
func (c Consent) toAnnounce() bool {
	return Live(c.Status) && !c.EndAnnounced.Equal(c.ValidUntil) && c.announcedFrom().After(c.CreatedAt)
}

func (c Consent) announcedFrom() time.Time { return c.ValidUntil.Add(-EndAnnouncedBefore) }
