package consent

import "time"

// Revoke takes the consent back for good, from any status that is not an end,
// and also after its end by the clock was reached. Revoking a REVOKED consent
// answers the same consent and ErrNoChange.
func (c Consent) Revoke(by Actor, at time.Time) (Consent, Change, error) {
	if c.Status == Revoked {
		return c, Change{}, ErrNoChange
	}
	s := step{kind: KindRevoke, by: by, why: revoked(by.Kind), at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	if by.Kind == ActorCustomer {
		next.Customer = CustomerID(by.ID)
	}
	return c.finish(s, next.ended(Revoked))
}

func revoked(by ActorKind) Why {
	switch by {
	case ActorCustomer:
		return WhyCustomerRevoked
	case ActorPartner:
		return WhyPartnerRevoked
	case ActorBank:
		return WhyBankTerminated
	case ActorOperator:
		return WhySecurity
	default:
		return WhyUnstated
	}
}

// Expire ends a consent whose end was reached, or that not everybody agreed to
// within AuthorizationTimeout of its request; before that it is not possible.
func (c Consent) Expire(at time.Time) (Consent, Change, error) {
	end, why := c.endByTime()
	s := step{kind: KindExpire, by: Actor{Kind: ActorSystem}, why: why, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	if end.After(s.at) {
		return Consent{}, Change{}, notPossible(c, "its end is not reached")
	}
	return c.finish(s, next.ended(Expired))
}

// Consume ends a one-time consent that was used.
func (c Consent) Consume(at time.Time) (Consent, Change, error) {
	s := step{kind: KindConsume, by: Actor{Kind: ActorSystem}, why: WhyOneTimeUsed, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	if !c.Asked.OneTime {
		return Consent{}, Change{}, notPossible(c, "it is not for one time only")
	}
	return c.finish(s, next.ended(Consumed))
}

// Supersede ends a consent because a newer one took its place.
func (c Consent) Supersede(by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindSupersede, by: by, why: WhySuperseded, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	return c.finish(s, next.ended(Superseded))
}
