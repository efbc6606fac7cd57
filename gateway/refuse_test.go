package gateway_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

// change makes one of the book's changes, as the customer.
func (w *world) change(do func(context.Context, consent.Scope, consent.ID, int64) (consent.Consent, error)) {
	w.t.Helper()
	if _, err := do(w.t.Context(), w.customer(), w.id, 0); err != nil {
		w.t.Fatal(err)
	}
}

func revoking(b *consent.Book) func(context.Context, consent.Scope, consent.ID, int64) (consent.Consent, error) {
	return func(ctx context.Context, s consent.Scope, id consent.ID, _ int64) (consent.Consent, error) {
		return b.Revoke(ctx, s, id)
	}
}

// What the consent, or the standing of its parties, kept back is noted once for
// each call, for the customer to see.
func TestWhatAConsentKeepsBackIsNotedForItsCustomer(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*world)
		ask  func(*gateway.Ask)
		want refusal.Reason
	}{
		{"paused", func(w *world) { w.change(w.book.Pause) }, nil, refusal.ConsentPaused},
		{"revoked", func(w *world) { w.change(revoking(w.book)) }, nil, refusal.ConsentRevoked},
		{"another purpose", nil, func(a *gateway.Ask) { a.Purpose = consentv1.Purpose_PURPOSE_LENDING_DECISION }, refusal.PurposeNotPermitted},
		{"a kind not agreed", nil, func(a *gateway.Ask) { a.Kind = policy.Cards }, refusal.ClusterNotCovered},
		{"an account not agreed", nil, func(a *gateway.Ask) { a.Accounts = []string{"acc_none"} }, refusal.AccountNotCovered},
		{"too far back", nil, func(a *gateway.Ask) {
			a.Kind, a.One, a.From = policy.Transactions, true, consent.DayOf(noon)-300
			a.Accounts = []string{gateway.NewPairwise([]byte("key")).Account("messenger", "morava", "A1")}
		}, refusal.LookbackExceeded},
		{"the partner is suspended", func(w *world) { w.standing["messenger"] = registry.Suspended }, nil, refusal.PartnerSuspended},
		{"the bank is suspended", func(w *world) { w.standing["morava"] = registry.Suspended }, nil, refusal.BankSuspended},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ask := w.ask()
			if tt.do != nil {
				tt.do(w)
			}
			if tt.ask != nil {
				tt.ask(&ask)
			}
			_, err := w.gate.Release(t.Context(), ask)
			if refusal.ReasonOf(err) != tt.want {
				t.Fatalf("Release = %v, want %s", err, refusal.Name(tt.want))
			}
			if diff := cmp.Diff([]refused{{w.id, tt.want, noon}}, w.refused, cmp.AllowUnexported(refused{})); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
		})
	}
}

// Nobody can write into the page of a consent that is not his, and neither
// failures nor malformed calls look as if the consent had said no.
func TestWhatTheConsentDidNotKeepBackLeavesNoTraceInIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*world)
		ask  func(*gateway.Ask)
	}{
		{"another partner", nil, func(a *gateway.Ask) { a.Partner = "wallet" }},
		{"another partner, of a paused consent", func(w *world) { w.change(w.book.Pause) }, func(a *gateway.Ask) { a.Partner = "wallet" }},
		{"no partner", nil, func(a *gateway.Ask) { a.Partner = "" }},
		{"no such consent", nil, func(a *gateway.Ask) { a.Consent = "con_none" }},
		{"no token", func(w *world) { w.access = registry.ByToken }, nil},
		{"a made-up page token", nil, func(a *gateway.Ask) { a.PageToken = "x" }},
		{"a period that can't be", nil, func(a *gateway.Ask) { a.Kind, a.From = policy.Transactions, consent.DayOf(noon)+1 }},
		{"grants can't be read", func(w *world) { w.fail["grants"] = errPart }, nil},
		{"policy fails", func(w *world) { w.fail["policy"] = errPart }, nil},
		{"policy makes the zero verdict", func(w *world) { w.decider = zeroDecider{} }, nil},
		{"bank fails", func(w *world) { w.bank.Fail(errPart) }, nil},
		{"bank knows none of the accounts", func(w *world) { w.bank.Answer(bank.ListBalances, balancesOf()) }, nil},
		{"record fails", func(w *world) { w.fail["record"] = errPart }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ask := w.ask()
			if tt.do != nil {
				tt.do(w)
			}
			if tt.ask != nil {
				tt.ask(&ask)
			}
			if _, err := w.gate.Release(t.Context(), ask); err == nil {
				t.Fatal("it was released")
			}
			if len(w.refused) != 0 {
				t.Errorf("noted %v", w.refused)
			}
		})
	}
}

// A "no" of an old grant is no refusal if the newest says yes.
func TestARefusalThatTheTruthTakesBackIsNotNoted(t *testing.T) {
	w := newWorld(t)
	w.change(w.book.Pause)
	c, err := w.store.Get(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	old := c.Grant()
	w.change(w.book.Resume)
	w.remembered = &old
	if _, err := w.gate.Release(t.Context(), w.ask()); err != nil {
		t.Fatal(err)
	}
	if len(w.refused) != 0 {
		t.Errorf("noted %v", w.refused)
	}
}
