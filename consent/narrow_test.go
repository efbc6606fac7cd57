package consent_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/refusal"
)

func TestNarrowChangesOnlyWhatIsNamed(t *testing.T) {
	thirty, end := 30, start.Add(10*day)
	for _, test := range []struct {
		name string
		to   consent.Narrowing
		want func(*consent.Consent)
	}{
		{
			"an account left out",
			consent.Narrowing{Shares: choice().Shares[:1]},
			func(c *consent.Consent) { c.Shares = c.Shares[:1] },
		},
		{
			"a cluster left out",
			consent.Narrowing{Shares: []consent.Share{choice().Shares[1], share("A1", consent.Balances)}},
			func(c *consent.Consent) { c.Shares[0].Clusters = clusters(consent.Balances) },
		},
		{"less look-back", consent.Narrowing{LookBackDays: &thirty}, func(c *consent.Consent) { c.LookBackDays = 30 }},
		{"a nearer end", consent.Narrowing{ValidUntil: end}, func(c *consent.Consent) { c.ValidUntil = end }},
		{
			"one thing as before, another narrower",
			consent.Narrowing{Shares: choice().Shares, LookBackDays: &thirty},
			func(c *consent.Consent) { c.LookBackDays = 30 },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := authorized(t)
			want := before.Clone()
			want.Revision, want.ChangedAt, want.DecidedAt = 3, start.Add(time.Hour), start.Add(time.Hour)
			test.want(&want)
			c, ch, err := before.Narrow(test.to, customer, start.Add(time.Hour))
			c = made(t, before, c, ch, err)
			if d := cmp.Diff(want, c); d != "" {
				t.Errorf("consent (-want +got):\n%s", d)
			}
			if d := cmp.Diff(authorized(t), before); d != "" {
				t.Errorf("the consent before was changed:\n%s", d)
			}
		})
	}
}

func TestNarrowRefusesAnythingWiderOrTheSame(t *testing.T) {
	days := func(n int) *int { return &n }
	c := authorized(t)
	for _, test := range []struct {
		name  string
		to    consent.Narrowing
		field string
	}{
		{"nothing", consent.Narrowing{}, "shares"},
		{"all as before", consent.Narrowing{Shares: choice().Shares, LookBackDays: days(90), ValidUntil: c.ValidUntil}, "shares"},
		{"another account", consent.Narrowing{Shares: []consent.Share{share("A3", consent.Balances)}}, "shares[0].account_id"},
		{"a cluster asked for but not shared", consent.Narrowing{Shares: []consent.Share{share("A2", consent.Balances)}}, "shares[0].clusters"},
		{"no clusters", consent.Narrowing{Shares: []consent.Share{share("A1")}}, "shares[0].clusters"},
		{"an account twice", consent.Narrowing{Shares: []consent.Share{share("A1", consent.Balances), share("A1", consent.Balances)}}, "shares[1].account_id"},
		{"deeper look-back", consent.Narrowing{LookBackDays: days(91)}, "look_back_days"},
		{"transactions without look-back", consent.Narrowing{LookBackDays: days(0)}, "look_back_days"},
		{"a later end", consent.Narrowing{ValidUntil: c.ValidUntil.Add(time.Millisecond)}, "valid_until"},
		{"an end that is past", consent.Narrowing{ValidUntil: start.Add(time.Hour)}, "valid_until"},
		{"wider and narrower", consent.Narrowing{LookBackDays: days(1), ValidUntil: c.ValidUntil.Add(day)}, "valid_until"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := c.Narrow(test.to, customer, start.Add(time.Hour))
			wantRefusal(t, err, refusal.InvalidRequest, test.field)
		})
	}
}

func TestNarrowedCanNotBeWidenedBackToWhatWasAsked(t *testing.T) {
	c := authorized(t)
	thirty, ninety := 30, 90
	narrow, ch, err := c.Narrow(consent.Narrowing{Shares: choice().Shares[:1], LookBackDays: &thirty}, customer, start.Add(time.Hour))
	narrow = made(t, c, narrow, ch, err)
	_, _, err = narrow.Narrow(consent.Narrowing{Shares: choice().Shares}, customer, start.Add(time.Hour))
	wantRefusal(t, err, refusal.InvalidRequest, "shares[1].account_id")
	_, _, err = narrow.Narrow(consent.Narrowing{LookBackDays: &ninety}, customer, start.Add(time.Hour))
	wantRefusal(t, err, refusal.InvalidRequest, "look_back_days")
}

func TestWithdrawAccountTakesOutOneAndTheLastEndsTheConsent(t *testing.T) {
	for _, test := range []struct {
		by    consent.Actor
		first consent.Why
		last  consent.Why
	}{
		{customer, consent.WhyUnstated, consent.WhyCustomerRevoked},
		{coHolder, consent.WhyCoHolderWithdrew, consent.WhyCoHolderWithdrew},
		{bank, consent.WhyAccountClosed, consent.WhyAccountClosed},
	} {
		t.Run(consent.ActorName(test.by.Kind), func(t *testing.T) {
			full := held(t, authorized(t), consent.HeldByCustomer|consent.HeldByBank)
			one, ch, err := full.WithdrawAccount("A1", test.by, start.Add(time.Hour))
			one = made(t, full, one, ch, err)
			if d := cmp.Diff(choice().Shares[1:], one.Shares); d != "" || one.Status != consent.Suspended || ch.Why != test.first {
				t.Errorf("%v because %v, shares (-want +got):\n%s", one.Status, ch.Why, d)
			}
			if len(full.Shares) != 2 {
				t.Errorf("the consent before has %d accounts", len(full.Shares))
			}
			_, _, err = one.WithdrawAccount("A1", test.by, start.Add(time.Hour))
			wantRefusal(t, err, refusal.InvalidRequest, "account_id")
			none, ch, err := one.WithdrawAccount("A2", test.by, start.Add(time.Hour))
			none = made(t, one, none, ch, err)
			if none.Status != consent.Revoked || ch.Why != test.last || none.Shares != nil || none.Holds != 0 {
				t.Errorf("%v because %v, holds %b, shares %v", none.Status, ch.Why, none.Holds, none.Shares)
			}
		})
	}
}

func TestWithdrawAccountKeepsWaitingForCoHolders(t *testing.T) {
	before := authorized(t, "7001")
	c, ch, err := before.WithdrawAccount("A2", coHolder, start.Add(time.Minute))
	c = made(t, before, c, ch, err)
	if c.Status != consent.PartiallyAuthorized || len(c.Awaiting) != 1 {
		t.Errorf("%v awaiting %v", c.Status, c.Awaiting)
	}
}

func TestRenewMovesTheEndLaterAndNothingElse(t *testing.T) {
	at := start.Add(170 * day)
	for _, test := range []struct {
		name  string
		until time.Time
		ok    bool
	}{
		{"earlier than the end", start.Add(175 * day), false},
		{"the end itself", start.Add(180 * day), false},
		{"within the same millisecond", start.Add(180*day + 999*time.Microsecond), false},
		{"a millisecond later", start.Add(180*day + time.Millisecond), true},
		{"the longest from now", at.Add(consent.MaxDuration), true},
		{"longer than the longest", at.Add(consent.MaxDuration + time.Millisecond), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := authorized(t)
			c, ch, err := before.Renew(test.until, customer, at)
			if !test.ok {
				wantRefusal(t, err, refusal.InvalidRequest, "valid_until")
				return
			}
			c = made(t, before, c, ch, err)
			want := before.Clone()
			want.Revision, want.ValidUntil, want.ChangedAt, want.DecidedAt = 3, test.until, at, at
			if d := cmp.Diff(want, c); d != "" {
				t.Errorf("consent (-want +got):\n%s", d)
			}
		})
	}
}
