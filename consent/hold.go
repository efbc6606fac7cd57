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
	case ActorCustomer:
		return HeldByCustomer
	case ActorBank:
		return HeldByBank
	case ActorOperator:
		return HeldByOperator
	default:
		return 0
	}
}
