package consent_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
)

func TestTheZeroGrantPermitsNothing(t *testing.T) {
	var g consent.Grant
	if g.Status() == consent.Active || len(g.Shares()) != 0 || g.ValidUntil().After(start) || g.ID() != "" {
		t.Errorf("%+v", g)
	}
}

func TestAGrantHasWhatTheConsentSays(t *testing.T) {
	c := authorized(t)
	c.Asked.OneTime = true
	g := c.Grant()
	got := []any{
		g.ID(), g.Revision(), g.Status(), g.Partner(), g.Bank(), g.Customer(), g.Purpose(), g.Shares(),
		g.LookBackDays(), g.ValidUntil(), g.UnattendedPerDay(), g.OneTime(),
	}
	want := []any{
		c.ID, c.Revision, c.Status, c.Partner, c.Bank, c.Customer, c.Asked.Purpose, c.Shares,
		c.LookBackDays, c.ValidUntil, c.Asked.UnattendedPerDay, true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("grant (-consent +grant):\n%s", d)
	}
	for _, s := range c.Shares {
		if found, ok := g.Share(s.Account); !ok || found != s {
			t.Errorf("share of %s is %v, %v", s.Account, found, ok)
		}
	}
	for _, a := range []consent.AccountID{"", "A", "A11", "A3"} {
		if found, ok := g.Share(a); ok {
			t.Errorf("share of %q is %v", a, found)
		}
	}
	c.Shares[0].Account = "changed"
	if g.Shares()[0].Account == "changed" {
		t.Error("the grant shares memory with the consent it was made of")
	}
}

func TestADigestBindsAllTheGateReliesOn(t *testing.T) {
	base := authorized(t)
	seen := map[[32]byte]string{base.Grant().Digest(): "unchanged"}
	for name, edit := range map[string]func(*consent.Consent){
		"id":       func(c *consent.Consent) { c.ID = "con_b" },
		"revision": func(c *consent.Consent) { c.Revision++ },
		"status":   func(c *consent.Consent) { c.Status = consent.Paused },
		"partner":  func(c *consent.Consent) { c.Partner = "wallet" },
		"bank":     func(c *consent.Consent) { c.Bank = "slezsko" },
		"customer": func(c *consent.Consent) { c.Customer = "1" },
		"moved":    func(c *consent.Consent) { c.Partner, c.Bank = c.Partner+"m", "orava" },
		"purpose":  func(c *consent.Consent) { c.Asked.Purpose++ },
		"limit":    func(c *consent.Consent) { c.Asked.UnattendedPerDay++ },
		"one-time": func(c *consent.Consent) { c.Asked.OneTime = true },
		"days":     func(c *consent.Consent) { c.LookBackDays-- },
		"end":      func(c *consent.Consent) { c.ValidUntil = c.ValidUntil.Add(time.Millisecond) },
		"account":  func(c *consent.Consent) { c.Shares[0].Account = "A0" },
		"clusters": func(c *consent.Consent) { c.Shares[0].Clusters = clusters(consent.Balances) },
		"fewer":    func(c *consent.Consent) { c.Shares = c.Shares[:1] },
		"none":     func(c *consent.Consent) { c.Shares = nil },
	} {
		c := base.Clone()
		edit(&c)
		if other, taken := seen[c.Grant().Digest()]; taken {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[c.Grant().Digest()] = name
	}
	again := base.Clone()
	again.ChangedAt, again.Asked.PurposeText = start, "other words"
	if again.Grant().Digest() != base.Grant().Digest() {
		t.Error("the digest depends on what the gate does not rely on")
	}
}
