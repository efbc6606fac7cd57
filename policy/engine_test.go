package policy_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/policy"
	"sluice/refusal"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const today = consent.Day(20781) // 2026-11-24

func newEngine(t testing.TB) *policy.Engine {
	t.Helper()
	e, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// agreed is a live consent over three accounts.
func agreed() consent.Consent {
	return consent.Consent{
		ID: "c1", Revision: 2, Status: consent.Active, Partner: "messenger", Bank: "morava", Customer: "9593",
		Asked:        consent.Terms{Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, UnattendedPerDay: 4},
		LookBackDays: 90, ValidUntil: noon.AddDate(0, 1, 0),
		Shares: []consent.Share{
			{Account: "A1", Clusters: consent.ClustersOf(consent.Balances, consent.TransactionsBasic)},
			{Account: "A2", Clusters: consent.ClustersOf(consent.Balances)},
			{Account: "A3", Clusters: consent.ClustersOf(consent.AccountDetailed, consent.TransactionsDetailed)},
		},
	}
}

// asked is a question that is allowed, about the balances of all that is covered.
func asked(c consent.Consent) policy.Question {
	return policy.Question{
		At: noon, Grant: c.Grant(), Partner: "messenger", PartnerActive: true, BankActive: true,
		Kind: policy.Balances, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		From: consent.NoDay, To: consent.NoDay,
	}
}

func decide(t *testing.T, q policy.Question) policy.Verdict {
	t.Helper()
	v, err := newEngine(t).Decide(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerdictNamesWhatMayLeaveOfEachAccount(t *testing.T) {
	v := decide(t, asked(agreed()))
	want := []policy.Permission{
		{Account: "A1", Clusters: consent.ClustersOf(consent.Balances, consent.TransactionsBasic), Masked: true},
		{Account: "A2", Clusters: consent.ClustersOf(consent.Balances), Masked: true},
	}
	if !v.Allowed() || len(v.Reasons()) != 0 {
		t.Fatalf("refused for %v", v.Reasons())
	}
	if d := cmp.Diff(want, v.Permissions()); d != "" {
		t.Errorf("permissions (-want +got):\n%s", d)
	}
	if v.From() != consent.NoDay || v.To() != consent.NoDay {
		t.Errorf("balances have the days %s to %s", v.From(), v.To())
	}
	if v.Limit() != 4 || v.Remaining() != 4 || !v.ResetAt().Equal((today + 1).Start()) {
		t.Errorf("access = %d of %d until %s", v.Remaining(), v.Limit(), v.ResetAt())
	}
}

func TestDetailsImplyTheBasicsAndUnmask(t *testing.T) {
	q := asked(agreed())
	q.Kind = policy.Transactions
	q.Accounts = []consent.AccountID{"A3"}
	v := decide(t, q)
	want := []policy.Permission{{Account: "A3", Clusters: consent.ClustersOf(
		consent.AccountBasic, consent.AccountDetailed, consent.TransactionsBasic, consent.TransactionsDetailed)}}
	if d := cmp.Diff(want, v.Permissions()); d != "" {
		t.Errorf("permissions (-want +got):\n%s", d)
	}
	if v.From() != today-89 || v.To() != today+1 {
		t.Errorf("days = %s to %s, want 90 up to today, and the day that it is elsewhere", v.From(), v.To())
	}
}

func TestEachRefusalHasItsReason(t *testing.T) {
	status := func(s consent.Status) func(*consent.Consent, *policy.Question) {
		return func(c *consent.Consent, _ *policy.Question) { c.Status = s }
	}
	for _, tt := range []struct {
		name string
		but  func(*consent.Consent, *policy.Question)
		want refusal.Reason
	}{
		{"another partner", func(_ *consent.Consent, q *policy.Question) { q.Partner = "other" }, refusal.ConsentNotFound},
		{"partner suspended", func(_ *consent.Consent, q *policy.Question) { q.PartnerActive = false }, refusal.PartnerSuspended},
		{"bank suspended", func(_ *consent.Consent, q *policy.Question) { q.BankActive = false }, refusal.BankSuspended},
		{"pending", status(consent.Pending), refusal.ConsentPending},
		{"a co-holder awaited", status(consent.PartiallyAuthorized), refusal.ConsentPending},
		{"paused", status(consent.Paused), refusal.ConsentPaused},
		{"suspended", status(consent.Suspended), refusal.ConsentSuspended},
		{"rejected", status(consent.Rejected), refusal.ConsentRejected},
		{"expired", status(consent.Expired), refusal.ConsentExpired},
		{"revoked", status(consent.Revoked), refusal.ConsentRevoked},
		{"consumed", status(consent.Consumed), refusal.ConsentConsumed},
		{"superseded", status(consent.Superseded), refusal.ConsentSuperseded},
		{"at its end", func(c *consent.Consent, _ *policy.Question) { c.ValidUntil = noon }, refusal.ConsentExpired},
		{"after its sitting", func(c *consent.Consent, q *policy.Question) {
			c.Asked.OneTime = true
			q.FirstRelease = noon.Add(-15 * time.Minute)
		}, refusal.ConsentConsumed},
		{"another purpose", func(_ *consent.Consent, q *policy.Question) {
			q.Purpose = consentv1.Purpose_PURPOSE_LENDING_DECISION
		}, refusal.PurposeNotPermitted},
		{"no purpose", func(c *consent.Consent, q *policy.Question) { c.Asked.Purpose, q.Purpose = 0, 0 }, refusal.PurposeNotPermitted},
		{"a purpose that is not in the list", func(c *consent.Consent, q *policy.Question) {
			c.Asked.Purpose, q.Purpose = 99, 99
		}, refusal.PurposeNotPermitted},
		{"no access left", func(_ *consent.Consent, q *policy.Question) {
			q.Unattended, q.UnattendedToday = true, 4
		}, refusal.AccessLimitReached},
		{"account without the kind of data", func(_ *consent.Consent, q *policy.Question) {
			q.Accounts = []consent.AccountID{"A3"}
		}, refusal.ClusterNotCovered},
		{"account outside the grant", func(_ *consent.Consent, q *policy.Question) {
			q.Accounts = []consent.AccountID{"A4"}
		}, refusal.AccountNotCovered},
		{"id that names nothing", func(_ *consent.Consent, q *policy.Question) { q.Unnamed = 1 }, refusal.AccountNotCovered},
		{"kind of data not covered", func(_ *consent.Consent, q *policy.Question) { q.Kind = policy.Cards }, refusal.ClusterNotCovered},
		{"before the look-back", func(_ *consent.Consent, q *policy.Question) {
			q.Kind, q.From = policy.Transactions, today-90
		}, refusal.LookbackExceeded},
		{"no look-back", func(c *consent.Consent, q *policy.Question) {
			c.LookBackDays, q.Kind = 0, policy.Transactions
		}, refusal.LookbackExceeded},
		{"days reversed", func(_ *consent.Consent, q *policy.Question) {
			q.Kind, q.From, q.To = policy.Transactions, today-3, today-4
		}, refusal.InvalidRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := agreed()
			q := asked(c)
			tt.but(&c, &q)
			q.Grant = c.Grant()
			v := decide(t, q)
			if v.Allowed() || len(v.Permissions()) != 0 {
				t.Fatalf("allowed %+v", v.Permissions())
			}
			if d := cmp.Diff([]refusal.Reason{tt.want}, v.Reasons()); d != "" {
				t.Errorf("reasons (-want +got):\n%s", d)
			}
		})
	}
}

func TestAnotherPartnerLearnsNothingElse(t *testing.T) {
	c := agreed()
	c.Status = consent.Revoked
	q := asked(c)
	q.Partner, q.PartnerActive, q.Accounts = "other", false, []consent.AccountID{"A1"}
	v := decide(t, q)
	if d := cmp.Diff([]refusal.Reason{refusal.ConsentNotFound}, v.Reasons()); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	if v.Limit() != 0 || v.Remaining() != 0 || len(v.Refused()) != 0 {
		t.Errorf("the verdict tells of the consent: %+v", v)
	}
}

func TestAccountsThatMayNotLeaveDoNotHinderTheOthers(t *testing.T) {
	q := asked(agreed())
	q.Accounts = []consent.AccountID{"A1", "A3", "A4"}
	v := decide(t, q)
	if !v.Allowed() || len(v.Permissions()) != 1 || v.Permissions()[0].Account != "A1" {
		t.Fatalf("permissions = %+v", v.Permissions())
	}
	want := map[consent.AccountID]refusal.Reason{"A3": refusal.ClusterNotCovered, "A4": refusal.AccountNotCovered}
	if d := cmp.Diff(want, v.Refused()); d != "" {
		t.Errorf("refused (-want +got):\n%s", d)
	}
}

func TestMostTellingReasonStandsFirst(t *testing.T) {
	c := agreed()
	c.Status = consent.Paused
	q := asked(c)
	q.BankActive, q.Purpose, q.Accounts = false, 0, []consent.AccountID{"A9"}
	want := []refusal.Reason{refusal.BankSuspended, refusal.ConsentPaused, refusal.PurposeNotPermitted, refusal.AccountNotCovered}
	if d := cmp.Diff(want, decide(t, q).Reasons()); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}

func TestNoDecisionIsAnError(t *testing.T) {
	e := newEngine(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	noKind, noStatus := asked(agreed()), agreed()
	noKind.Kind = 0
	noStatus.Status = 0
	for name, ask := range map[string]func() (policy.Verdict, error){
		"a call that was given up":  func() (policy.Verdict, error) { return e.Decide(ended, asked(agreed())) },
		"a kind that is none":       func() (policy.Verdict, error) { return e.Decide(t.Context(), noKind) },
		"a grant without a status":  func() (policy.Verdict, error) { return e.Decide(t.Context(), asked(noStatus)) },
		"a question of all nothing": func() (policy.Verdict, error) { return e.Decide(t.Context(), policy.Question{}) },
	} {
		if v, err := ask(); err == nil || v.Allowed() {
			t.Errorf("%s: verdict %+v, error %v; want an error", name, v, err)
		}
	}
	var zero policy.Verdict
	if zero.Allowed() || len(zero.Permissions()) != 0 {
		t.Error("the zero verdict permits")
	}
}
