package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/policy"
	"sluice/registry"
)

func drawQuestion(t *rapid.T) policy.Question {
	clusters := func(label string) consent.Clusters {
		return consent.ClustersOf(rapid.SliceOfDistinct(rapid.SampledFrom([]consent.Cluster{
			consent.AccountBasic, consent.AccountDetailed, consent.Balances, consent.TransactionsBasic,
			consent.TransactionsDetailed, consent.Cards, consent.CardTransactions, consent.FraudAlerts, consent.Conversations,
		}), func(c consent.Cluster) consent.Cluster { return c }).Draw(t, label)...)
	}
	// mostly draws the value that permits, so that whole questions are often allowed
	mostly := func(label string) bool { return rapid.IntRange(0, 9).Draw(t, label) > 0 }
	c := consent.Consent{
		ID: "c", Revision: 3, Status: consent.Active, Partner: "messenger", Bank: "morava", Customer: "9593",
		LookBackDays: rapid.IntRange(0, 3).Draw(t, "look-back"),
		ValidUntil:   noon.Add(time.Duration(rapid.IntRange(-1, 20).Draw(t, "end")) * time.Hour),
		Asked: consent.Terms{
			Purpose:          rapid.SampledFrom([]consentv1.Purpose{1, consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE}).Draw(t, "agreed purpose"),
			UnattendedPerDay: rapid.IntRange(0, 3).Draw(t, "per day"), OneTime: rapid.Bool().Draw(t, "one time"),
		},
	}
	if !mostly("active") {
		c.Status = consent.Status(rapid.IntRange(1, 10).Draw(t, "status"))
	}
	for _, a := range []consent.AccountID{"A1", "A2", "A3"} {
		if s := clusters("share of " + string(a)); s != 0 {
			c.Shares = append(c.Shares, consent.Share{Account: a, Clusters: s})
		}
	}
	q := policy.Question{
		At:    noon.Add(time.Duration(rapid.IntRange(-4*3_600_000, 3_600_000).Draw(t, "at")) * time.Millisecond),
		Grant: c.Grant(), Partner: "messenger", PartnerActive: mostly("partner"), BankActive: mostly("bank"),
		ChatPass: registry.ChatPass(rapid.IntRange(0, 7).Draw(t, "chat pass")),
		Kind:     policy.Kind(rapid.IntRange(1, 7).Draw(t, "kind")), Purpose: c.Asked.Purpose,
		Unattended: rapid.Bool().Draw(t, "unattended"), Continues: rapid.Bool().Draw(t, "continues"), Pushed: !mostly("pulled"),
		Accounts: rapid.SliceOfDistinct(rapid.SampledFrom([]consent.AccountID{"A1", "A2", "A3", "A4"}),
			func(a consent.AccountID) consent.AccountID { return a }).Draw(t, "accounts"),
		From: consent.NoDay, To: consent.NoDay, UnattendedToday: rapid.IntRange(0, 4).Draw(t, "today"),
	}
	if !mostly("purpose") {
		q.Purpose = consentv1.Purpose(rapid.IntRange(0, 9).Draw(t, "purpose stated"))
	}
	if !mostly("caller") {
		q.Partner = "other"
	}
	if !mostly("named") {
		q.Unnamed = 1
	}
	if rapid.Bool().Draw(t, "token shown") {
		q.Ceiling = map[consent.AccountID]consent.Clusters{}
		for _, a := range []consent.AccountID{"A1", "A2", "A3", "A4"} {
			if mostly("token has " + string(a)) {
				q.Ceiling[a] = clusters("ceiling of " + string(a))
			}
		}
	}
	if rapid.Bool().Draw(t, "from stated") {
		q.From = today + consent.Day(rapid.IntRange(-4, 2).Draw(t, "from"))
	}
	if rapid.Bool().Draw(t, "to stated") {
		q.To = today + consent.Day(rapid.IntRange(-4, 2).Draw(t, "to"))
	}
	if rapid.Bool().Draw(t, "released") {
		q.FirstRelease = q.At.Add(-time.Duration(rapid.IntRange(0, 30).Draw(t, "minutes ago")) * time.Minute)
	}
	return q
}

// mayLeave says by the customer's words, not by the rules' form, whether one
// kind of data of one account may leave.
func mayLeave(q policy.Question, a consent.AccountID) bool {
	g := q.Grant
	share, shared := g.Share(a)
	named := len(q.Accounts) == 0 && q.Unnamed == 0
	for _, asked := range q.Accounts {
		named = named || asked == a
	}
	need := map[policy.Kind]consent.Cluster{
		policy.Accounts: consent.AccountBasic, policy.Balances: consent.Balances,
		policy.Transactions: consent.TransactionsBasic, policy.Cards: consent.Cards, policy.Alerts: consent.FraudAlerts,
		policy.Conversations: consent.Conversations, policy.Messages: consent.Conversations,
	}[q.Kind]
	_, known := consentv1.Purpose_name[int32(q.Purpose)]
	live := g.Status() == consent.Active && q.At.Before(g.ValidUntil()) &&
		(!g.OneTime() || q.FirstRelease.IsZero() || q.At.Sub(q.FirstRelease) < 15*time.Minute)
	free := !q.Unattended || q.Continues || q.UnattendedToday < g.UnattendedPerDay()
	if q.Pushed {
		free = g.UnattendedPerDay() > 0 && !g.OneTime()
	}
	from, to := days(q)
	dated := q.Kind != policy.Transactions || g.LookBackDays() > 0 && from >= earliest(q) && from <= to
	return q.Partner == g.Partner() && q.PartnerActive && q.BankActive && live && free && dated &&
		known && q.Purpose != 0 && (!talk(q) || q.Purpose == consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE) && q.Purpose == g.Purpose() &&
		shared && named && share.Clusters.Implied().Has(need) && (q.Ceiling == nil || q.Ceiling[a].Implied().Has(need))
}

// talk says that the question is about what people write to each other.
func talk(q policy.Question) bool {
	return q.Kind == policy.Conversations || q.Kind == policy.Messages
}

func earliest(q policy.Question) consent.Day {
	return consent.DayOf(q.At) - consent.Day(q.Grant.LookBackDays()-1)
}

func days(q policy.Question) (from, to consent.Day) {
	from, to = earliest(q), consent.DayOf(q.At)
	if q.At.UTC().Hour() >= 10 {
		to++ // on the islands farthest east
	}
	if q.From != consent.NoDay {
		from = q.From
	}
	if q.To != consent.NoDay && q.To < to {
		to = q.To
	}
	return from, to
}

func TestRulesAgreeWithTheModel(t *testing.T) {
	e := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		v, err := e.Decide(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var want []policy.Permission
		for _, s := range q.Grant.Shares() {
			if mayLeave(q, s.Account) {
				all := s.Clusters.Implied()
				if q.Ceiling != nil {
					all &= q.Ceiling[s.Account].Implied()
				}
				want = append(want, policy.Permission{Account: s.Account, Clusters: all, Masked: !all.Has(consent.AccountDetailed)})
			}
		}
		if d := cmp.Diff(want, v.Permissions()); d != "" {
			t.Fatalf("permissions (-model +rules):\n%s", d)
		}
		if v.Allowed() != (len(want) > 0) || v.Allowed() != (len(v.Reasons()) == 0) {
			t.Fatalf("allowed = %t for %v with %d permissions", v.Allowed(), v.Reasons(), len(want))
		}
		if from, to := days(q); v.Allowed() && q.Kind == policy.Transactions && (v.From() != from || v.To() != to) {
			t.Fatalf("days = %s to %s, want %s to %s", v.From(), v.To(), from, to)
		}
		var pass registry.ChatPass
		if v.Allowed() && talk(q) {
			pass = q.ChatPass
		}
		if v.ChatPass() != pass {
			t.Fatalf("passes: %v, want %v", v.ChatPass().Names(), pass.Names())
		}
		left := q.Grant.UnattendedPerDay() - q.UnattendedToday
		if v.Allowed() && q.Unattended && !q.Continues && !q.Pushed {
			left--
		}
		if q.Partner == q.Grant.Partner() && v.Remaining() != max(0, left) {
			t.Fatalf("remaining = %d, want %d", v.Remaining(), max(0, left))
		}
	})
}
