package gateway_test

import (
	"slices"
	"testing"

	"sluice/consent"
	"sluice/gateway"
	"sluice/refusal"
	"sluice/registry"
)

func TestAnActIsPermittedUnderTheLiveGrantAndNothingLeaves(t *testing.T) {
	w := newWorld(t)
	ask := w.ask()
	ask.Accounts = []string{public("A2")}
	got, err := w.gate.Permit(t.Context(), ask)
	if err != nil || got.Account() != "A2" || got.Grant().ID() != w.id || got.Grant().Revision() != 2 {
		t.Fatalf("Permit = %+v, %v", got, err)
	}
	if len(w.bank.Requests()) != 0 || len(w.records) != 0 {
		t.Error("the bank was asked, or something recorded")
	}
}

// What the cache remembers has no say in an act.
func TestAnActIsPermittedFromTheTruth(t *testing.T) {
	w := newWorld(t)
	live, err := w.store.Get(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	grant := live.Grant()
	w.remembered = &grant
	if _, err := w.book.Revoke(t.Context(), w.customer(), w.id); err != nil {
		t.Fatal(err)
	}
	ask := w.ask()
	ask.Accounts = []string{public("A1")}
	if _, err := w.gate.Permit(t.Context(), ask); refusal.ReasonOf(err) != refusal.ConsentRevoked {
		t.Errorf("Permit = %v, want CONSENT_REVOKED", err)
	}
	if !slices.ContainsFunc(w.refused, func(r refused) bool { return r.reason == refusal.ConsentRevoked }) {
		t.Errorf("the customer is not told: %v", w.refused)
	}
}

func TestAnActIsRefusedByTheRulesOfPulls(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world, ask *gateway.Ask)
		want   refusal.Reason
	}{
		"all accounts":    {func(_ *world, a *gateway.Ask) { a.Accounts = nil }, refusal.AccountNotCovered},
		"two accounts":    {func(_ *world, a *gateway.Ask) { a.Accounts = []string{public("A1"), public("A2")} }, refusal.AccountNotCovered},
		"one of them":     {func(_ *world, a *gateway.Ask) { a.Accounts = []string{public("A1"), public("A3")} }, refusal.AccountNotCovered},
		"not covered":     {func(_ *world, a *gateway.Ask) { a.Accounts = []string{public("A3")} }, refusal.AccountNotCovered},
		"another's":       {func(_ *world, a *gateway.Ask) { a.Partner = "wallet" }, refusal.ConsentNotFound},
		"no token":        {func(w *world, _ *gateway.Ask) { w.access = registry.ByToken }, refusal.TokenInvalid},
		"not the token's": {func(_ *world, a *gateway.Ask) { a.Ceiling = map[string]consent.Clusters{public("A2"): balances} }, refusal.AccountNotCovered},
		"suspended":       {func(w *world, _ *gateway.Ask) { w.standing["morava"] = registry.Suspended }, refusal.BankSuspended},
		"grants away":     {func(w *world, _ *gateway.Ask) { w.fail["grants"] = errPart }, refusal.RecordUnavailable},
		"policy away":     {func(w *world, _ *gateway.Ask) { w.fail["policy"] = errPart }, refusal.PolicyUnavailable},
		"registry away":   {func(w *world, _ *gateway.Ask) { w.fail["partner"] = errPart }, refusal.RecordUnavailable},
	} {
		w := newWorld(t)
		ask := w.ask()
		ask.Accounts = []string{public("A1")}
		c.change(w, &ask)
		if got, err := w.gate.Permit(t.Context(), ask); refusal.ReasonOf(err) != c.want || got.Account() != "" {
			t.Errorf("%s: Permit = %+v, %v; want %v", name, got, err, c.want)
		}
	}
}
