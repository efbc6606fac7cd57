package gateway_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/gateway"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

func public(account string) string {
	return gateway.NewPairwise([]byte("key")).Account("messenger", "morava", consent.AccountID(account))
}

func released(t testing.TB, r gateway.Released) *partnerv1.ListBalancesResponse {
	t.Helper()
	var got partnerv1.ListBalancesResponse
	if err := proto.Unmarshal(r.Encoded(), &got); err != nil {
		t.Fatal(err)
	}
	return &got
}

var balances = consent.ClustersOf(consent.Balances)

func TestAPartnerWhoCallsByTokenNeedsOne(t *testing.T) {
	w := newWorld(t)
	w.access = registry.ByToken
	if _, err := w.gate.Release(t.Context(), w.ask()); refusal.ReasonOf(err) != refusal.TokenInvalid {
		t.Errorf("without a token: %v, want TOKEN_INVALID", err)
	}
	if len(w.bank.Requests()) != 0 || len(w.records) != 0 {
		t.Error("the bank was asked, or something recorded")
	}
	ask := w.ask()
	ask.Ceiling = map[string]consent.Clusters{public("A1"): balances, public("A2"): balances}
	if got, err := w.gate.Release(t.Context(), ask); err != nil || len(released(t, got).GetAccounts()) != 2 {
		t.Errorf("with a token: %v", err)
	}
}

func TestATokenThatAPartnerNeedNotShowHoldsAllTheSame(t *testing.T) {
	w := newWorld(t)
	ask := w.ask()
	ask.Ceiling = map[string]consent.Clusters{public("A2"): balances}
	got, err := w.gate.Release(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if a := released(t, got).GetAccounts(); len(a) != 1 || a[0].GetAccountId() != public("A2") {
		t.Errorf("released %v, want A2 alone", a)
	}
	if r := w.bank.Requests(); len(r[0].Accounts) != 1 || r[0].Accounts[0] != "A2" {
		t.Errorf("the bank was asked for %v", r[0].Accounts)
	}
	if len(w.records[0].Accounts) != 1 {
		t.Errorf("on record: %v", w.records[0].Accounts)
	}
}

func TestAnAccountOutsideTheTokenAnswersAsOneThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	for _, one := range []bool{false, true} {
		answer := func(id string) (string, error) {
			ask := w.ask()
			ask.Ceiling = map[string]consent.Clusters{public("A1"): balances}
			ask.Accounts, ask.One = []string{id}, one
			if !one {
				ask.Accounts = append(ask.Accounts, public("A1"))
			}
			got, err := w.gate.Release(t.Context(), ask)
			if err != nil {
				return "", err
			}
			var said []string
			for _, f := range released(t, got).GetFailures() {
				said = append(said, strings.ReplaceAll(f.String(), id, "ID"))
			}
			return strings.Join(said, ";"), nil
		}
		outside, errOutside := answer(public("A2"))
		absent, errAbsent := answer(public("A9"))
		if outside != absent || (errOutside == nil) != (errAbsent == nil) || errOutside != nil && errOutside.Error() != errAbsent.Error() {
			t.Errorf("one: %t: outside the token %q, %v; not there %q, %v", one, outside, errOutside, absent, errAbsent)
		}
		if one && refusal.ReasonOf(errOutside) != refusal.AccountNotCovered || !one && !strings.Contains(outside, "ACCOUNT_NOT_COVERED") {
			t.Errorf("one: %t: %q, %v; want ACCOUNT_NOT_COVERED", one, outside, errOutside)
		}
	}
}

func TestAKindOfDataOutsideTheTokenIsNotCovered(t *testing.T) {
	w := newWorld(t)
	ask := w.ask()
	ask.Ceiling = map[string]consent.Clusters{public("A1"): consent.ClustersOf(consent.TransactionsBasic)}
	if _, err := w.gate.Release(t.Context(), ask); refusal.ReasonOf(err) != refusal.ClusterNotCovered {
		t.Errorf("Release = %v, want CLUSTER_NOT_COVERED", err)
	}
}

// A partner that calls with a token of less than it was given is told to use
// another one, and its customer is not told of a refusal that is none of theirs.
func TestWhatOnlyTheTokenKeepsBackIsTheTokens(t *testing.T) {
	both := consent.ClustersOf(consent.Balances, consent.TransactionsBasic)
	narrow := map[string]consent.Clusters{public("A1"): consent.ClustersOf(consent.TransactionsBasic)}
	whole := map[string]consent.Clusters{public("A1"): both, public("A2"): both}
	for _, tt := range []struct {
		name    string
		ceiling map[string]consent.Clusters
		ask     func(*gateway.Ask)
		want    refusal.Reason
		token   bool // the message names it
		noted   refusal.Reason
	}{
		{"another account", narrow, func(a *gateway.Ask) { a.Accounts = []string{public("A2")} }, refusal.AccountNotCovered, true, 0},
		{"another kind", narrow, func(*gateway.Ask) {}, refusal.ClusterNotCovered, true, 0},
		{"another kind of one account", narrow, func(a *gateway.Ask) { a.Accounts = []string{public("A1")} }, refusal.ClusterNotCovered, true, 0},
		{"not the consent's either", narrow, func(a *gateway.Ask) { a.Accounts = []string{public("A9")} }, refusal.AccountNotCovered, true, refusal.AccountNotCovered},
		{"a kind not the consent's either", narrow, func(a *gateway.Ask) { a.Kind = policy.Cards }, refusal.ClusterNotCovered, true, refusal.ClusterNotCovered},
		{"by the whole token, no such account", whole, func(a *gateway.Ask) { a.Accounts = []string{public("A9")} }, refusal.AccountNotCovered, false, refusal.AccountNotCovered},
		{"by the whole token, no such kind", whole, func(a *gateway.Ask) { a.Kind = policy.Cards }, refusal.ClusterNotCovered, false, refusal.ClusterNotCovered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ask := w.ask()
			ask.Ceiling = tt.ceiling
			tt.ask(&ask)
			_, err := w.gate.Release(t.Context(), ask)
			if refusal.ReasonOf(err) != tt.want || strings.Contains(err.Error(), "the access token does not cover") != tt.token {
				t.Errorf("Release = %v, want %s; of the token: %t", err, refusal.Name(tt.want), tt.token)
			}
			var noted refusal.Reason
			for _, r := range w.refused {
				noted = r.reason
			}
			if noted != tt.noted {
				t.Errorf("noted %s, want %s", refusal.Name(noted), refusal.Name(tt.noted))
			}
		})
	}
}

// The token of yesterday may have more than the consent of today.
func TestTheLiveConsentDecidesWhateverTheTokenSays(t *testing.T) {
	w := newWorld(t)
	w.access = registry.ByToken
	ask := w.ask()
	ask.Ceiling = map[string]consent.Clusters{public("A1"): ^consent.Clusters(1), public("A2"): ^consent.Clusters(1), public("A3"): ^consent.Clusters(1)}
	if _, err := w.book.WithdrawAccount(t.Context(), w.customer(), w.id, 0, "A1"); err != nil {
		t.Fatal(err)
	}
	got, err := w.gate.Release(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if a := released(t, got).GetAccounts(); len(a) != 1 || a[0].GetAccountId() != public("A2") {
		t.Errorf("released %v, want A2 alone", a)
	}
	if _, err := w.book.Revoke(t.Context(), w.customer(), w.id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.gate.Release(t.Context(), ask); refusal.ReasonOf(err) != refusal.ConsentRevoked {
		t.Errorf("after the revoke: %v", err)
	}
}

func TestWhatIsReleasedIsWithinTheLiveGrantAndTheToken(t *testing.T) {
	w := newWorld(t)
	live := map[string]bool{public("A1"): true, public("A2"): true}
	rapid.Check(t, func(t *rapid.T) {
		ask := w.ask()
		ask.Ceiling = map[string]consent.Clusters{}
		for _, a := range []string{"A1", "A2", "A3", "A4"} {
			if rapid.Bool().Draw(t, "token has "+a) {
				ask.Ceiling[public(a)] = consent.Clusters(rapid.Uint32().Draw(t, "kinds of "+a))
			}
			if rapid.IntRange(0, 3).Draw(t, "asked for "+a) == 0 {
				ask.Accounts = append(ask.Accounts, public(a))
			}
		}
		want := 0
		for id := range live {
			asked := len(ask.Accounts) == 0 || strings.Contains(strings.Join(ask.Accounts, " "), id)
			if asked && ask.Ceiling[id].Has(consent.Balances) {
				want++
			}
		}
		got, err := w.gate.Release(w.t.Context(), ask)
		if err != nil && (want > 0 || len(got.Encoded()) > 0) {
			t.Fatalf("Release = %v, want %d accounts", err, want)
		}
		if err != nil {
			return
		}
		accounts := released(w.t, got).GetAccounts()
		got.Sent()
		for _, a := range accounts {
			if !live[a.GetAccountId()] || !ask.Ceiling[a.GetAccountId()].Has(consent.Balances) {
				t.Fatalf("%s was released; the token is %v", a.GetAccountId(), ask.Ceiling)
			}
		}
		if len(accounts) != want {
			t.Fatalf("%d accounts, want %d", len(accounts), want)
		}
	})
}
