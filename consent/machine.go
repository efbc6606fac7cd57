package consent

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoChange means that the consent is already as the change would make it.
// Only Revoke and AskRenewal answer so, with the consent as it stands and no
// Change.
var ErrNoChange = errors.New("consent is already so")

// step is one change about to be made.
type step struct {
	kind ChangeKind
	by   Actor
	why  Why
	at   time.Time // a moment
}

// begin copies the consent for a change, or refuses what the table, the actor's
// identity or the clock do not permit. A consent whose end was reached can only
// still be expired or revoked, whatever its status says.
func (c Consent) begin(s step) (Consent, error) {
	if _, ok := transition(s.kind, s.by.Kind, c.Status); !ok {
		return Consent{}, notPossible(c, ChangeName(s.kind)+" is not possible for "+ActorName(s.by.Kind))
	}
	if !c.names(s.by) {
		return Consent{}, notPossible(c, "it is not this actor's to change")
	}
	if s.kind != KindExpire && s.kind != KindRevoke && c.due(s.at) {
		return Consent{}, notPossible(c, "its end was reached")
	}
	return c.Clone(), nil
}

// finish makes the changed copy the next revision and says how it came about.
// It fails, by no fault of the caller's, on a change that the table does not have.
func (c Consent) finish(s step, next Consent) (Consent, Change, error) {
	line, ok := transition(s.kind, s.by.Kind, c.Status)
	if !ok || !slices.Contains(line.To, next.Status) {
		return Consent{}, Change{}, fmt.Errorf("%s from %s to %s is not in the state table",
			ChangeName(s.kind), StatusName(c.Status), StatusName(next.Status))
	}
	next.Revision = c.Revision + 1
	next.ChangedAt = s.at
	if s.by.Kind != ActorSystem && s.kind != KindAskRenewal {
		next.DecidedAt = s.at
	}
	if c.Status != Active && c.Fenced() {
		// Nothing was released under c, so nothing of it can be on its way.
		next.FencedRevision = next.Revision
	}
	return next, Change{
		Consent: next.ID, Revision: next.Revision, Kind: s.kind, Actor: s.by, Why: s.why,
		At: s.at, Status: next.Status,
	}, nil
}

// names says whether the actor is the party of the consent whose role it claims.
func (c Consent) names(by Actor) bool {
	switch by.Kind {
	case ActorCustomer:
		return by.ID != "" && (c.Customer == "" || by.ID == string(c.Customer))
	case ActorCoHolder:
		return by.ID != "" && by.ID != string(c.Customer)
	case ActorBank:
		return by.ID == string(c.Bank)
	case ActorPartner:
		return by.ID == string(c.Partner)
	case ActorOperator:
		return by.ID != ""
	case ActorSystem:
		return true
	default:
		return false
	}
}

// endByTime is when the consent ends if nobody does anything, and why then.
func (c Consent) endByTime() (time.Time, Why) {
	end, why := c.ValidUntil, WhyExpired
	if c.EndClamped && end.Equal(c.Asked.ValidUntil) {
		why = WhyMaxDurationReached
	}
	if c.Status != Pending && c.Status != PartiallyAuthorized {
		return end, why
	}
	if timeout := c.CreatedAt.Add(AuthorizationTimeout); timeout.Before(end) {
		return timeout, WhyAuthorizationTimeout
	}
	return end, why
}

func (c Consent) due(at time.Time) bool {
	end, _ := c.endByTime()
	return !end.After(at)
}

// standing is the status of a consent that has not ended: whoever is awaited
// comes first, then the holds of bank and operator, then the customer's.
func (c Consent) standing() Status {
	switch {
	case len(c.Awaiting) > 0:
		return PartiallyAuthorized
	case c.Holds&(HeldByBank|HeldByOperator) != 0:
		return Suspended
	case c.Holds&HeldByCustomer != 0:
		return Paused
	}
	return Active
}

// ended is the consent at an end: nobody holds it, is awaited or asks for more
// time any more.
func (c Consent) ended(s Status) Consent {
	c.Status, c.Holds, c.Awaiting, c.RenewalAsked = s, 0, nil, time.Time{}
	return c
}
