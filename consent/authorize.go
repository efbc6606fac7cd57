package consent

import (
	"slices"
	"time"
)

// Choice is what a customer agrees to: what was asked, or less.
type Choice struct {
	Shares       []Share
	LookBackDays *int         // nil: as asked
	ValidUntil   time.Time    // zero: as asked
	CoHolders    []CustomerID // who must agree too before anything is shared
	Informed     []CustomerID // who hold it too and need not agree: they may see it and withdraw the account
	Hidden       bool         // neither ask nor tell the co-holders; then none may be named
}

// Authorize agrees. A customer's agreement makes a PENDING consent theirs, and
// ACTIVE if no co-holder must agree. A co-holder who is awaited agrees to
// exactly the customer's choice by sending the same shares; the last one makes
// the consent ACTIVE.
func (c Consent) Authorize(choice Choice, by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindAuthorize, by: by, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	if by.Kind == ActorCoHolder {
		next, err = next.agreed(choice, CustomerID(by.ID))
	} else {
		next, err = next.chosen(choice, CustomerID(by.ID), s.at)
	}
	if err != nil {
		return Consent{}, Change{}, err
	}
	next.Status = next.standing()
	return c.finish(s, next)
}

// chosen is the consent with the customer's choice, which is within what was asked.
func (c Consent) chosen(choice Choice, customer CustomerID, at time.Time) (Consent, error) {
	var f faults
	c.Shares = checkShares(&f, choice.Shares, "what was asked", func(AccountID) (Clusters, bool) {
		return c.Asked.Clusters, true
	})
	if len(choice.Shares) == 0 {
		f.add("shares", "is empty")
	}
	c.LookBackDays = checkLookBack(&f, choice.LookBackDays, c.LookBackDays, c.Shares)
	c.ValidUntil = checkEnd(&f, choice.ValidUntil, c.ValidUntil, at)
	c.CoHolders = checkCoHolders(&f, slices.Concat(choice.CoHolders, choice.Informed), customer)
	c.Awaiting = inOrder(choice.CoHolders)
	if c.Hidden = choice.Hidden; c.Hidden && len(c.CoHolders) > 0 {
		f.add("co_holder_customer_ids", "must be empty for a consent that is hidden from co-holders")
	}
	c.Customer = customer
	return c, f.refuse()
}

// agreed is the consent with one co-holder less to wait for.
func (c Consent) agreed(choice Choice, holder CustomerID) (Consent, error) {
	i := slices.Index(c.Awaiting, holder)
	if i < 0 {
		return Consent{}, notPossible(c, "it does not wait for this co-holder")
	}
	if f := c.differences(choice); len(f) > 0 {
		return Consent{}, f.refuse()
	}
	c.Awaiting = without(c.Awaiting, i)
	return c, nil
}

// differences says where a co-holder's choice is not the customer's.
func (c Consent) differences(choice Choice) faults {
	var f faults
	if !slices.Equal(ordered(choice.Shares), c.Shares) {
		f.add("shares", "are not those the customer chose")
	}
	if choice.LookBackDays != nil && *choice.LookBackDays != c.LookBackDays {
		f.add("look_back_days", "is not what the customer chose")
	}
	if !choice.ValidUntil.IsZero() && !moment(choice.ValidUntil).Equal(c.ValidUntil) {
		f.add("valid_until", "is not what the customer chose")
	}
	if choice.Hidden {
		f.add("hidden_from_co_holders", "only the customer decides that")
	}
	if len(choice.CoHolders)+len(choice.Informed) > 0 {
		f.add("co_holder_customer_ids", "only the customer names co-holders")
	}
	return f
}

// Reject refuses: the customer what was asked, an awaited co-holder what the
// customer chose. Either ends the consent.
func (c Consent) Reject(by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindReject, by: by, why: WhyCustomerRejected, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	if by.Kind == ActorCoHolder {
		if !slices.Contains(c.Awaiting, CustomerID(by.ID)) {
			return Consent{}, Change{}, notPossible(c, "it does not wait for this co-holder")
		}
		s.why = WhyCoHolderWithdrew
	} else {
		next.Customer = CustomerID(by.ID)
	}
	return c.finish(s, next.ended(Rejected))
}

// without is the list less one element, and nil when none is left.
func without[T any](list []T, i int) []T {
	if len(list) == 1 {
		return nil
	}
	return slices.Concat(list[:i], list[i+1:])
}
