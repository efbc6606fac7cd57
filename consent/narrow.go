package consent

import (
	"slices"
	"time"
)

// Narrowing says what is left of a consent.
type Narrowing struct {
	Shares       []Share   // what each account shares from now on, others nothing; empty: as before
	LookBackDays *int      // nil: as before
	ValidUntil   time.Time // zero: as before
}

// Narrow makes a consent smaller: fewer accounts, fewer clusters of an account,
// fewer days of the past, a nearer end. Nothing of it may be wider than before,
// and something must be narrower.
func (c Consent) Narrow(to Narrowing, by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindNarrow, by: by, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	var f faults
	if len(to.Shares) > 0 {
		next.Shares = checkShares(&f, to.Shares, "what is shared now", c.shared)
	}
	next.LookBackDays = checkLookBack(&f, to.LookBackDays, c.LookBackDays, next.Shares)
	next.ValidUntil = checkEnd(&f, to.ValidUntil, c.ValidUntil, s.at)
	if len(f) == 0 && slices.Equal(next.Shares, c.Shares) &&
		next.LookBackDays == c.LookBackDays && next.ValidUntil.Equal(c.ValidUntil) {
		f.add("shares", "nothing would be narrower than it is")
	}
	if err := f.refuse(); err != nil {
		return Consent{}, Change{}, err
	}
	return c.finish(s, next)
}

// shared is what an account shares now; false if it is not part of the consent.
func (c Consent) shared(account AccountID) (Clusters, bool) {
	i := c.share(account)
	if i < 0 {
		return 0, false
	}
	return c.Shares[i].Clusters, true
}

func (c Consent) share(account AccountID) int {
	return slices.IndexFunc(c.Shares, func(s Share) bool { return s.Account == account })
}

// WithdrawAccount takes one account out. When it was the last one, the consent
// ends REVOKED. That a co-holder holds the account is for the caller to know.
func (c Consent) WithdrawAccount(account AccountID, by Actor, at time.Time) (Consent, Change, error) {
	s := step{kind: KindWithdrawAccount, by: by, at: moment(at)}
	next, err := c.begin(s)
	if err != nil {
		return Consent{}, Change{}, err
	}
	i := c.share(account)
	if i < 0 {
		var f faults
		f.add("account_id", "is not part of the consent")
		return Consent{}, Change{}, f.refuse()
	}
	next.Shares = without(next.Shares, i)
	last := len(next.Shares) == 0
	if last {
		next = next.ended(Revoked)
	}
	s.why = withdrawn(by.Kind, last)
	return c.finish(s, next)
}

func withdrawn(by ActorKind, last bool) Why {
	switch {
	case by == ActorCoHolder:
		return WhyCoHolderWithdrew
	case by == ActorBank:
		return WhyAccountClosed
	case last:
		return WhyCustomerRevoked
	}
	return WhyUnstated
}
