package consent_test

import (
	"testing"
	"time"

	"sluice/consent"
)

func TestStatusFollowsFromTheHolds(t *testing.T) {
	const c, b, o = consent.HeldByCustomer, consent.HeldByBank, consent.HeldByOperator
	for holds, want := range map[consent.Holds]consent.Status{
		0: consent.Active, c: consent.Paused,
		b: consent.Suspended, o: consent.Suspended, b | o: consent.Suspended,
		c | b: consent.Suspended, c | o: consent.Suspended, c | b | o: consent.Suspended,
	} {
		if got := held(t, authorized(t), holds); got.Status != want || got.Holds != holds {
			t.Errorf("holds %03b: %v with holds %03b, want %v", holds, got.Status, got.Holds, want)
		}
	}
}

func TestEachLiftsOnlyItsOwnHoldAndTheOthersShow(t *testing.T) {
	type lift = func(consent.Consent) (consent.Consent, consent.Change, error)
	resume := func(c consent.Consent) (consent.Consent, consent.Change, error) { return c.Resume(customer, start) }
	byBank := func(c consent.Consent) (consent.Consent, consent.Change, error) { return c.Unsuspend(bank, start) }
	byOperator := func(c consent.Consent) (consent.Consent, consent.Change, error) { return c.Unsuspend(operator, start) }
	for _, test := range []struct {
		name  string
		lifts []lift
		want  []consent.Status
	}{
		{"bank, operator, customer", []lift{byBank, byOperator, resume}, []consent.Status{consent.Suspended, consent.Paused, consent.Active}},
		{"customer, operator, bank", []lift{resume, byOperator, byBank}, []consent.Status{consent.Suspended, consent.Suspended, consent.Active}},
		{"operator, customer, bank", []lift{byOperator, resume, byBank}, []consent.Status{consent.Suspended, consent.Suspended, consent.Active}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := held(t, authorized(t), consent.HeldByCustomer|consent.HeldByBank|consent.HeldByOperator)
			for i, do := range test.lifts {
				next, ch, err := do(c)
				c = made(t, c, next, ch, err)
				if c.Status != test.want[i] {
					t.Errorf("after lift %d: %v, want %v", i, c.Status, test.want[i])
				}
				_, _, err = do(c)
				wantNotPossible(t, err, c.Status)
			}
		})
	}
}

func TestAHoldIsTakenOnce(t *testing.T) {
	c := held(t, authorized(t), consent.HeldByCustomer|consent.HeldByBank)
	_, _, err := c.Pause(customer, start)
	wantNotPossible(t, err, consent.Suspended)
	_, _, err = c.Suspend(bank, start)
	wantNotPossible(t, err, consent.Suspended)
	_, _, err = held(t, authorized(t), consent.HeldByCustomer).Pause(customer, start)
	wantNotPossible(t, err, consent.Paused)
	_, _, err = authorized(t).Resume(customer, start)
	wantNotPossible(t, err, consent.Active)
}

func TestNobodyActsInAnothersName(t *testing.T) {
	c := authorized(t)
	type change = func(consent.Actor) (consent.Consent, consent.Change, error)
	revoke := func(by consent.Actor) (consent.Consent, consent.Change, error) { return c.Revoke(by, start) }
	pause := func(by consent.Actor) (consent.Consent, consent.Change, error) { return c.Pause(by, start) }
	suspend := func(by consent.Actor) (consent.Consent, consent.Change, error) { return c.Suspend(by, start) }
	for _, test := range []struct {
		name string
		do   change
		by   consent.Actor
	}{
		{"another customer", pause, consent.Actor{Kind: consent.ActorCustomer, ID: "1"}},
		{"nameless customer", pause, consent.Actor{Kind: consent.ActorCustomer}},
		{"another bank", suspend, consent.Actor{Kind: consent.ActorBank, ID: "slezsko"}},
		{"another partner", revoke, consent.Actor{Kind: consent.ActorPartner, ID: "wallet"}},
		{"nameless operator", suspend, consent.Actor{Kind: consent.ActorOperator}},
		{"nobody", revoke, consent.Actor{}},
		{"a bank that pauses", pause, bank},
		{"a customer who suspends", suspend, customer},
		{"a partner that suspends", suspend, partner},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := test.do(test.by)
			wantNotPossible(t, err, consent.Active)
		})
	}
}

func TestAChangedConsentSharesNoMemoryWithTheOneBefore(t *testing.T) {
	before := authorized(t)
	after, ch, err := before.Pause(customer, start.Add(time.Hour))
	after = made(t, before, after, ch, err)
	after.Shares[0].Account = "changed"
	if before.Shares[0].Account != "A1" {
		t.Error("the consent before was changed")
	}
}
