package consent

import "slices"

// Transition is one line of the state table: a kind of change, in what roles it
// may be made, from which status, and to which.
type Transition struct {
	Kind ChangeKind
	By   []ActorKind
	From Status   // unspecified: there is no consent yet
	To   []Status // to which of them follows from who holds, who is awaited and what is left
}

// Transitions is the state table. What is not in it is not possible: every
// change looks itself up here before it is made, and once more after.
func Transitions() []Transition {
	to := func(s ...Status) []Status { return s }
	var (
		partner  = []ActorKind{ActorPartner}
		customer = []ActorKind{ActorCustomer}
		coHolder = []ActorKind{ActorCoHolder}
		holders  = []ActorKind{ActorBank, ActorOperator}
		account  = []ActorKind{ActorCustomer, ActorCoHolder, ActorBank}
		parties  = []ActorKind{ActorCustomer, ActorBank, ActorPartner, ActorOperator}
		system   = []ActorKind{ActorSystem}
		replacer = []ActorKind{ActorCustomer, ActorSystem}
	)
	return []Transition{
		{KindRequest, partner, noStatus, to(Pending)},
		{KindAuthorize, customer, Pending, to(PartiallyAuthorized, Active)},
		{KindAuthorize, coHolder, PartiallyAuthorized, to(PartiallyAuthorized, Active)},
		{KindReject, customer, Pending, to(Rejected)},
		{KindReject, coHolder, PartiallyAuthorized, to(Rejected)},
		{KindNarrow, customer, PartiallyAuthorized, to(PartiallyAuthorized)},
		{KindNarrow, customer, Active, to(Active)},
		{KindNarrow, customer, Paused, to(Paused)},
		{KindNarrow, customer, Suspended, to(Suspended)},
		{KindPause, customer, Active, to(Paused)},
		{KindPause, customer, Suspended, to(Suspended)},
		{KindPause, system, Active, to(Paused)},
		{KindResume, customer, Paused, to(Active)},
		{KindResume, customer, Suspended, to(Suspended)},
		{KindSuspend, holders, Active, to(Suspended)},
		{KindSuspend, holders, Paused, to(Suspended)},
		{KindSuspend, holders, Suspended, to(Suspended)},
		{KindUnsuspend, holders, Suspended, to(Active, Paused, Suspended)},
		{KindRenew, customer, Active, to(Active)},
		{KindRenew, customer, Paused, to(Paused)},
		{KindAskRenewal, partner, Active, to(Active)},
		{KindAskRenewal, partner, Paused, to(Paused)},
		{KindAskRenewal, partner, Suspended, to(Suspended)},
		{KindAnnounceEnd, system, Active, to(Active)},
		{KindAnnounceEnd, system, Paused, to(Paused)},
		{KindAnnounceEnd, system, Suspended, to(Suspended)},
		{KindWithdrawAccount, account, PartiallyAuthorized, to(PartiallyAuthorized, Revoked)},
		{KindWithdrawAccount, account, Active, to(Active, Revoked)},
		{KindWithdrawAccount, account, Paused, to(Paused, Revoked)},
		{KindWithdrawAccount, account, Suspended, to(Suspended, Revoked)},
		{KindRevoke, parties, Pending, to(Revoked)},
		{KindRevoke, parties, PartiallyAuthorized, to(Revoked)},
		{KindRevoke, parties, Active, to(Revoked)},
		{KindRevoke, parties, Paused, to(Revoked)},
		{KindRevoke, parties, Suspended, to(Revoked)},
		{KindExpire, system, Pending, to(Expired)},
		{KindExpire, system, PartiallyAuthorized, to(Expired)},
		{KindExpire, system, Active, to(Expired)},
		{KindExpire, system, Paused, to(Expired)},
		{KindExpire, system, Suspended, to(Expired)},
		{KindConsume, system, Active, to(Consumed)},
		{KindConsume, system, Paused, to(Consumed)},
		{KindConsume, system, Suspended, to(Consumed)},
		{KindSupersede, replacer, Active, to(Superseded)},
		{KindSupersede, replacer, Paused, to(Superseded)},
		{KindSupersede, replacer, Suspended, to(Superseded)},
	}
}

// transition finds the line of the table for a change; false if it is not possible.
func transition(kind ChangeKind, by ActorKind, from Status) (Transition, bool) {
	table := Transitions()
	i := slices.IndexFunc(table, func(t Transition) bool {
		return t.Kind == kind && t.From == from && slices.Contains(t.By, by)
	})
	if i < 0 {
		return Transition{}, false
	}
	return table[i], true
}
