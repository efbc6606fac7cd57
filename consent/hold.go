package consent

import "time"

// Pause holds the consent for its customer. A pause during a suspension is
// kept: it shows when the suspension is lifted.
func (c Consent) Pause(by Actor, at time.Time) (Consent, Change, error) {
	return c.hold(step{kind: KindPause, by: by, at: moment(at)})
}

// Resume lifts the customer's own hold, and no other.
func (c Consent) Resume(by Actor, at time.Time) (Consent, Change, error) {
	return c.release(step{kind: KindResume, by: by, at: moment(at)})
}

// Suspend holds the consent for the bank or the operator; each has a hold of
// its own, and both may hold at once.
func (c Consent) Suspend(by Actor, at time.Time) (Consent, Change, error) {
	return c.hold(step{kind: KindSuspend, by: by, at: moment(at)})
}

// Unsuspend lifts the actor's own hold. The others stay, and show.
func (c Consent) Unsuspend(by Actor, at time.Time) (Consent, Change, error) {
	return c.release(step{kind: KindUnsuspend, by: by, at: moment(at)})
}

// PauseUnused holds the consent for its customer, who resumes it, because
// nothing was released under it for UnusedFor and nobody changed it either.
// lastUse is when something was released last; zero if never.
func (c Consent) PauseUnused(lastUse, at time.Time) (Consent, Change, error) {
	s := step{kind: KindPause, by: Actor{Kind: ActorSystem}, why: WhyUnused, at: moment(at)}
	if c.unusedFrom(lastUse).After(s.at) {
		return Consent{}, Change{}, notPossible(c, "it was used or changed lately")
	}
	return c.hold(s)
}

// unusedFrom is when the consent counts as unused, unless it is used or changed
// before.
func (c Consent) unusedFrom(lastUse time.Time) time.Time {
	last := c.DecidedAt
	if lastUse.After(last) {
		last = moment(lastUse)
	}
	return last.Add(UnusedFor)
}

func (c Consent) hold(s step) (Consent, Change, error) {
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	own := holdOf(s.by.Kind)
	if c.Holds&own != 0 {
		return Consent{}, Change{}, notPossible(c, "this actor holds it already")
	}
	next.Holds |= own
	next.Status = next.standing()
	return c.finish(s, next)
}

func (c Consent) release(s step) (Consent, Change, error) {
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	own := holdOf(s.by.Kind)
	if c.Holds&own == 0 {
		return Consent{}, Change{}, notPossible(c, "this actor does not hold it")
	}
	next.Holds &^= own
	next.Status = next.standing()
	return c.finish(s, next)
}

func holdOf(k ActorKind) Holds {
	switch k {
	case ActorCustomer, ActorSystem: // the gateway pauses in the customer's place
		return HeldByCustomer
	case ActorBank:
		return HeldByBank
	case ActorOperator:
		return HeldByOperator
	default:
		return 0
	}
}
