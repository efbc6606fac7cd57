package consent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
)

func TestRevokeSaysWhoTookItBack(t *testing.T) {
	for _, test := range []struct {
		by   consent.Actor
		want consent.Why
	}{
		{customer, consent.WhyCustomerRevoked},
		{partner, consent.WhyPartnerRevoked},
		{bank, consent.WhyBankTerminated},
		{operator, consent.WhySecurity},
	} {
		for _, before := range []consent.Consent{
			pending(t), authorized(t, "7001"), authorized(t),
			held(t, authorized(t), consent.HeldByCustomer), held(t, authorized(t), consent.HeldByBank|consent.HeldByOperator),
		} {
			c, ch, err := before.Revoke(test.by, start.Add(time.Hour))
			c = made(t, before, c, ch, err)
			if c.Status != consent.Revoked || ch.Why != test.want || c.Holds != 0 || c.Awaiting != nil {
				t.Errorf("%v by %v: %v because %v, holds %b, awaiting %v",
					before.Status, test.by, c.Status, ch.Why, c.Holds, c.Awaiting)
			}
			if d := cmp.Diff(before.Shares, c.Shares); d != "" {
				t.Errorf("what was shared is no longer told:\n%s", d)
			}
		}
	}
}

func TestRevokeTwiceIsFineAndAnswersTheSame(t *testing.T) {
	before := authorized(t)
	c, ch, err := before.Revoke(customer, start.Add(time.Hour))
	c = made(t, before, c, ch, err)
	for _, by := range []consent.Actor{customer, partner, bank, operator} {
		again, ch, err := c.Revoke(by, start.Add(2*time.Hour))
		if !errors.Is(err, consent.ErrNoChange) {
			t.Errorf("error %v, want %v", err, consent.ErrNoChange)
		}
		if d := cmp.Diff(c, again); d != "" || ch != (consent.Change{}) {
			t.Errorf("change %v and a consent that differs:\n%s", ch, d)
		}
	}
}

func TestOtherEndsCanNotBeRevoked(t *testing.T) {
	p := pending(t)
	c, ch, err := p.Reject(customer, start)
	c = made(t, p, c, ch, err)
	_, _, err = c.Revoke(customer, start)
	wantNotPossible(t, err, consent.Rejected)
}

func TestExpireAtTheEndAndNotBefore(t *testing.T) {
	year := func(a *consent.Terms) { a.ValidUntil = start.AddDate(5, 0, 0) }
	soon := func(a *consent.Terms) { a.ValidUntil = start.Add(time.Minute) }
	agree := func(c consent.Consent) consent.Consent {
		next, ch, err := c.Authorize(choice(), customer, start)
		return made(t, c, next, ch, err)
	}
	renewed := func(c consent.Consent) consent.Consent {
		next, ch, err := c.Renew(start.Add(367*day), customer, start.Add(2*day))
		return made(t, c, next, ch, err)
	}
	for _, test := range []struct {
		name   string
		before consent.Consent
		end    time.Time
		why    consent.Why
	}{
		{"nobody agreed", pending(t), start.Add(time.Hour), consent.WhyAuthorizationTimeout},
		{"a co-holder did not", authorized(t, "7001"), start.Add(time.Hour), consent.WhyAuthorizationTimeout},
		{"the end came before the timeout", pending(t, soon), start.Add(time.Minute), consent.WhyExpired},
		{"active", authorized(t), start.Add(180 * day), consent.WhyExpired},
		{"paused", held(t, authorized(t), consent.HeldByCustomer), start.Add(180 * day), consent.WhyExpired},
		{"suspended", held(t, authorized(t), consent.HeldByOperator), start.Add(180 * day), consent.WhyExpired},
		{"as long as can be", agree(pending(t, year)), start.Add(366 * day), consent.WhyMaxDurationReached},
		{"clamped, then renewed", renewed(agree(pending(t, year))), start.Add(367 * day), consent.WhyExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := test.before.Expire(test.end.Add(-time.Millisecond))
			wantNotPossible(t, err, test.before.Status)
			c, ch, err := test.before.Expire(test.end)
			c = made(t, test.before, c, ch, err)
			if c.Status != consent.Expired || ch.Why != test.why || ch.Actor != system || c.Holds != 0 || c.Awaiting != nil {
				t.Errorf("%v because %v by %v", c.Status, ch.Why, ch.Actor)
			}
		})
	}
}

func TestPastItsEndAConsentCanOnlyExpireOrBeRevoked(t *testing.T) {
	once := pending(t, func(a *consent.Terms) { a.OneTime = true })
	next, ch, err := once.Authorize(choice(), customer, start)
	c := made(t, once, next, ch, err)
	over := c.ValidUntil
	for _, a := range []struct {
		kind consent.ChangeKind
		do   func(at time.Time) (consent.Consent, consent.Change, error)
	}{
		{consent.KindNarrow, func(at time.Time) (consent.Consent, consent.Change, error) {
			return c.Narrow(consent.Narrowing{Shares: choice().Shares[:1]}, customer, at)
		}},
		{consent.KindPause, func(at time.Time) (consent.Consent, consent.Change, error) { return c.Pause(customer, at) }},
		{consent.KindSuspend, func(at time.Time) (consent.Consent, consent.Change, error) { return c.Suspend(bank, at) }},
		{consent.KindRenew, func(at time.Time) (consent.Consent, consent.Change, error) {
			return c.Renew(over.Add(day), customer, at)
		}},
		{consent.KindWithdrawAccount, func(at time.Time) (consent.Consent, consent.Change, error) {
			return c.WithdrawAccount("A1", customer, at)
		}},
		{consent.KindConsume, func(at time.Time) (consent.Consent, consent.Change, error) { return c.Consume(at) }},
		{consent.KindSupersede, func(at time.Time) (consent.Consent, consent.Change, error) { return c.Supersede(customer, at) }},
	} {
		t.Run(consent.ChangeName(a.kind), func(t *testing.T) {
			after, ch, err := a.do(over.Add(-time.Millisecond))
			made(t, c, after, ch, err)
			_, _, err = a.do(over)
			wantNotPossible(t, err, consent.Active)
		})
	}
	after, ch, err := c.Revoke(customer, over)
	made(t, c, after, ch, err)
	after, ch, err = c.Expire(over)
	made(t, c, after, ch, err)
}

func TestOnlyOneTimeConsentsAreConsumed(t *testing.T) {
	_, _, err := authorized(t).Consume(start.Add(time.Hour))
	wantNotPossible(t, err, consent.Active)
	p := pending(t, func(a *consent.Terms) { a.OneTime = true })
	next, ch, err := p.Authorize(choice(), customer, start)
	c := made(t, p, next, ch, err)
	next, ch, err = c.Consume(start)
	if next = made(t, c, next, ch, err); next.Status != consent.Consumed || ch.Why != consent.WhyOneTimeUsed || ch.Actor != system {
		t.Errorf("%v because %v by %v", next.Status, ch.Why, ch.Actor)
	}
}

func TestSupersedeEndsWhatANewerConsentReplaces(t *testing.T) {
	c := authorized(t)
	next, ch, err := c.Supersede(customer, start.Add(time.Hour))
	if next = made(t, c, next, ch, err); next.Status != consent.Superseded || ch.Why != consent.WhySuperseded {
		t.Errorf("%v because %v", next.Status, ch.Why)
	}
}
