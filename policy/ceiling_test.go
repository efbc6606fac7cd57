package policy_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/policy"
	"sluice/refusal"
)

func TestAnAccountOutsideTheTokenIsNoneOfTheGrants(t *testing.T) {
	q := asked(agreed())
	q.Accounts = []consent.AccountID{"A1", "A2", "A9"}
	q.Ceiling = map[consent.AccountID]consent.Clusters{"A1": consent.ClustersOf(consent.Balances), "A9": consent.ClustersOf(consent.Balances)}
	v := decide(t, q)
	want := []policy.Permission{{Account: "A1", Clusters: consent.ClustersOf(consent.Balances), Masked: true}}
	if d := cmp.Diff(want, v.Permissions()); d != "" {
		t.Errorf("permissions (-want +got):\n%s", d)
	}
	refused := map[consent.AccountID]refusal.Reason{"A2": refusal.AccountNotCovered, "A9": refusal.AccountNotCovered}
	if d := cmp.Diff(refused, v.Refused()); d != "" {
		t.Errorf("refused (-want +got):\n%s", d)
	}
}

func TestDetailsThatTheTokenDoesNotLetOutStayMasked(t *testing.T) {
	q := asked(agreed())
	q.Kind = policy.Accounts
	q.Ceiling = map[consent.AccountID]consent.Clusters{"A3": consent.ClustersOf(consent.AccountBasic)}
	want := []policy.Permission{{Account: "A3", Clusters: consent.ClustersOf(consent.AccountBasic), Masked: true}}
	if d := cmp.Diff(want, decide(t, q).Permissions()); d != "" {
		t.Errorf("permissions (-want +got):\n%s", d)
	}
}

func TestATokenOfNothingLetsNothingOut(t *testing.T) {
	q := asked(agreed())
	q.Ceiling = map[consent.AccountID]consent.Clusters{}
	v := decide(t, q)
	if d := cmp.Diff([]refusal.Reason{refusal.ClusterNotCovered}, v.Reasons()); d != "" || v.Allowed() {
		t.Errorf("allowed: %t, reasons (-want +got):\n%s", v.Allowed(), d)
	}
}

// The verdict without a token, kept in the same engine, is not the answer with
// one. A token takes away and never adds: the same question without one is allowed at
// least as much, and everything that leaves is in the token.
func TestReleasedIsWithinTheGrantAndTheToken(t *testing.T) {
	e := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		if q.Ceiling == nil {
			return
		}
		bare := q
		bare.Ceiling = nil
		without, err := e.Decide(t.Context(), bare)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Decide(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		may := maps.Collect(func(yield func(consent.AccountID, policy.Permission) bool) {
			for _, p := range without.Permissions() {
				if !yield(p.Account, p) {
					return
				}
			}
		})
		for _, p := range v.Permissions() {
			bound, there := may[p.Account]
			share, _ := q.Grant.Share(p.Account)
			switch {
			case !there:
				t.Fatalf("%s leaves with the token only", p.Account)
			case !p.Clusters.Within(bound.Clusters & share.Clusters.Implied() & q.Ceiling[p.Account].Implied()):
				t.Fatalf("%s leaves with %s; the token has %s", p.Account, p.Clusters, q.Ceiling[p.Account])
			case !p.Masked && (bound.Masked || !q.Ceiling[p.Account].Has(consent.AccountDetailed)):
				t.Fatalf("%s leaves unmasked", p.Account)
			}
		}
		if i := slices.IndexFunc(v.Permissions(), func(p policy.Permission) bool { _, in := q.Ceiling[p.Account]; return !in }); i >= 0 {
			t.Fatalf("%s is not in the token", v.Permissions()[i].Account)
		}
	})
}
