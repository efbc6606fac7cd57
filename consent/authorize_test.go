package consent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/refusal"
)

func TestAuthorizeTakesWhatWasAskedWhereNothingLessIsChosen(t *testing.T) {
	p := pending(t)
	c := authorized(t)
	want := p.Clone()
	want.Revision, want.Status, want.Customer = 2, consent.Active, "9593"
	want.Shares = choice().Shares
	want.ChangedAt, want.DecidedAt = start.Add(time.Minute), start.Add(time.Minute)
	want.FencedRevision = 2
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("consent (-want +got):\n%s", d)
	}
}

func TestAuthorizeTakesLess(t *testing.T) {
	days, end := 1, start.Add(7*day+time.Hour)
	p := pending(t)
	c, ch, err := p.Authorize(consent.Choice{
		Shares: []consent.Share{share("A2", consent.TransactionsBasic), share("A1", consent.Balances)}, LookBackDays: &days, ValidUntil: end,
	}, customer, start)
	c = made(t, p, c, ch, err)
	if c.LookBackDays != 1 || !c.ValidUntil.Equal(end) {
		t.Errorf("look-back %d until %v, want 1 until %v", c.LookBackDays, c.ValidUntil, end)
	}
	want := []consent.Share{share("A1", consent.Balances), share("A2", consent.TransactionsBasic)}
	if d := cmp.Diff(want, c.Shares); d != "" {
		t.Errorf("shares are not in order of account (-want +got):\n%s", d)
	}
	if d := cmp.Diff(p.Asked, c.Asked); d != "" {
		t.Errorf("what was asked changed:\n%s", d)
	}
}

func TestAuthorizeOfDetailedSharesBasicToo(t *testing.T) {
	p := pending(t, func(a *consent.Terms) { a.Clusters = clusters(consent.AccountDetailed) })
	c, ch, err := p.Authorize(consent.Choice{Shares: []consent.Share{share("A1", consent.AccountDetailed)}}, customer, start)
	c = made(t, p, c, ch, err)
	if want := clusters(consent.AccountBasic, consent.AccountDetailed); c.Shares[0].Clusters != want {
		t.Errorf("shares %v, want %v", c.Shares[0].Clusters, want)
	}
}

func TestAuthorizeRefusesMoreThanAskedAndNonsense(t *testing.T) {
	many := make([]consent.Share, consent.MaxShares+1)
	crowd := make([]consent.CustomerID, consent.MaxCoHolders+1)
	for i := range many {
		many[i] = share(consent.AccountID(fmt.Sprint(i)), consent.Balances)
	}
	for i := range crowd {
		crowd[i] = consent.CustomerID(fmt.Sprint(i))
	}
	days := func(n int) *int { return &n }
	for _, test := range []struct {
		name   string
		edit   func(*consent.Choice)
		fields []string
	}{
		{"no shares", func(c *consent.Choice) { c.Shares = nil }, []string{"shares"}},
		{"too many shares", func(c *consent.Choice) { c.Shares = many }, []string{"shares"}},
		{"no account", func(c *consent.Choice) { c.Shares[0].Account = "" }, []string{"shares[0].account_id"}},
		{"long account", func(c *consent.Choice) { c.Shares[1].Account = consent.AccountID(strings.Repeat("a", 129)) }, []string{"shares[1].account_id"}},
		{"account twice", func(c *consent.Choice) { c.Shares[1].Account = "A1" }, []string{"shares[1].account_id"}},
		{"no clusters", func(c *consent.Choice) { c.Shares[0].Clusters = 0 }, []string{"shares[0].clusters"}},
		{"cluster not asked", func(c *consent.Choice) { c.Shares[1].Clusters |= clusters(consent.Cards) }, []string{"shares[1].clusters"}},
		{"detailed where basic was asked", func(c *consent.Choice) { c.Shares[1].Clusters |= clusters(consent.TransactionsDetailed) }, []string{"shares[1].clusters"}},
		{"deeper look-back", func(c *consent.Choice) { c.LookBackDays = days(91) }, []string{"look_back_days"}},
		{"negative look-back", func(c *consent.Choice) { c.LookBackDays = days(-1) }, []string{"look_back_days"}},
		{"transactions without look-back", func(c *consent.Choice) { c.LookBackDays = days(0) }, []string{"look_back_days"}},
		{"later end", func(c *consent.Choice) { c.ValidUntil = start.Add(180*day + time.Millisecond) }, []string{"valid_until"}},
		{"past end", func(c *consent.Choice) { c.ValidUntil = start }, []string{"valid_until"}},
		{"nameless co-holder", func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"7001", ""} }, []string{"co_holder_customer_ids[1]"}},
		{"co-holder twice", func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"7001", "7001"} }, []string{"co_holder_customer_ids[1]"}},
		{"customer as co-holder", func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"9593"} }, []string{"co_holder_customer_ids[0]"}},
		{
			"hidden from those who are named",
			func(c *consent.Choice) { c.CoHolders, c.Hidden = []consent.CustomerID{"7001"}, true },
			[]string{"co_holder_customer_ids"},
		},
		{"too many co-holders", func(c *consent.Choice) { c.CoHolders = crowd }, []string{"co_holder_customer_ids"}},
		{
			"several at once",
			func(c *consent.Choice) { c.Shares[0].Clusters, c.LookBackDays, c.ValidUntil = 0, days(-5), start },
			[]string{"shares[0].clusters", "look_back_days", "valid_until"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			chosen := choice()
			test.edit(&chosen)
			_, _, err := pending(t).Authorize(chosen, customer, start)
			wantRefusal(t, err, refusal.InvalidRequest, test.fields...)
		})
	}
}

func TestAuthorizeWithoutTransactionsMayLeaveOutThePast(t *testing.T) {
	none := 0
	p := pending(t)
	c, ch, err := p.Authorize(consent.Choice{Shares: []consent.Share{share("A1", consent.Balances)}, LookBackDays: &none}, customer, start)
	if c = made(t, p, c, ch, err); c.LookBackDays != 0 {
		t.Errorf("look-back %d, want 0", c.LookBackDays)
	}
}

func TestAuthorizeWaitsForEveryCoHolder(t *testing.T) {
	c := authorized(t, "7002", "7001")
	if d := cmp.Diff([]consent.CustomerID{"7001", "7002"}, c.Awaiting); d != "" || c.Status != consent.PartiallyAuthorized {
		t.Fatalf("%v awaits (-want +got):\n%s", c.Status, d)
	}
	for _, holder := range []struct {
		id   string
		want consent.Status
	}{{"7002", consent.PartiallyAuthorized}, {"7001", consent.Active}} {
		by := consent.Actor{Kind: consent.ActorCoHolder, ID: holder.id}
		next, ch, err := c.Authorize(consent.Choice{Shares: c.Shares}, by, start.Add(2*time.Minute))
		next = made(t, c, next, ch, err)
		if next.Status != holder.want || ch.Actor != by {
			t.Errorf("after %s: %v by %v, want %v", holder.id, next.Status, ch.Actor, holder.want)
		}
		_, _, err = next.Authorize(consent.Choice{Shares: c.Shares}, by, start.Add(3*time.Minute))
		wantNotPossible(t, err, next.Status)
		c = next
	}
	if c.Awaiting != nil {
		t.Errorf("still awaits %v", c.Awaiting)
	}
	if c.Customer != "9593" {
		t.Errorf("the consent became %q's", c.Customer)
	}
}

func TestACoHolderAgreesToTheCustomersChoiceAndNothingElse(t *testing.T) {
	c := authorized(t, "7001")
	days := func(n int) *int { return &n }
	for _, test := range []struct {
		name  string
		edit  func(*consent.Choice)
		field string
	}{
		{"fewer accounts", func(h *consent.Choice) { h.Shares = h.Shares[:1] }, "shares"},
		{"no accounts", func(h *consent.Choice) { h.Shares = nil }, "shares"},
		{"fewer clusters", func(h *consent.Choice) { h.Shares[0].Clusters = clusters(consent.Balances) }, "shares"},
		{"less look-back", func(h *consent.Choice) { h.LookBackDays = days(89) }, "look_back_days"},
		{"a nearer end", func(h *consent.Choice) { h.ValidUntil = start.Add(day) }, "valid_until"},
		{"hidden", func(h *consent.Choice) { h.Hidden = true }, "hidden_from_co_holders"},
		{"more co-holders", func(h *consent.Choice) { h.CoHolders = []consent.CustomerID{"7002"} }, "co_holder_customer_ids"},
	} {
		t.Run(test.name, func(t *testing.T) {
			chosen := choice()
			test.edit(&chosen)
			_, _, err := c.Authorize(chosen, coHolder, start.Add(2*time.Minute))
			wantRefusal(t, err, refusal.InvalidRequest, test.field)
		})
	}
	same := consent.Choice{Shares: []consent.Share{choice().Shares[1], choice().Shares[0]}, LookBackDays: days(90), ValidUntil: c.ValidUntil}
	next, ch, err := c.Authorize(same, coHolder, start.Add(2*time.Minute))
	made(t, c, next, ch, err)
}

func TestOnlyTheAwaitedDecideAboutAPartiallyAuthorizedConsent(t *testing.T) {
	c := authorized(t, "7001")
	for _, by := range []consent.Actor{
		{Kind: consent.ActorCoHolder, ID: "7002"},
		{Kind: consent.ActorCoHolder, ID: "9593"},
		{Kind: consent.ActorCoHolder},
		customer,
	} {
		_, _, err := c.Authorize(choice(), by, start.Add(2*time.Minute))
		wantNotPossible(t, err, consent.PartiallyAuthorized)
		_, _, err = c.Reject(by, start.Add(2*time.Minute))
		wantNotPossible(t, err, consent.PartiallyAuthorized)
	}
}

func TestRejectEndsTheConsentAndSaysWhoseRefusalItWas(t *testing.T) {
	p := pending(t)
	c, ch, err := p.Reject(customer, start)
	if c = made(t, p, c, ch, err); c.Status != consent.Rejected || ch.Why != consent.WhyCustomerRejected || c.Customer != "9593" {
		t.Errorf("%v of %q because %v", c.Status, c.Customer, ch.Why)
	}
	p = authorized(t, "7001", "7002")
	c, ch, err = p.Reject(coHolder, start.Add(2*time.Minute))
	if c = made(t, p, c, ch, err); c.Status != consent.Rejected || ch.Why != consent.WhyCoHolderWithdrew || c.Awaiting != nil {
		t.Errorf("%v awaiting %v because %v", c.Status, c.Awaiting, ch.Why)
	}
}

func TestNobodyAgreesAfterTheTimeout(t *testing.T) {
	last, over := start.Add(consent.AuthorizationTimeout-time.Millisecond), start.Add(consent.AuthorizationTimeout)
	p := pending(t)
	c, ch, err := p.Authorize(choice(), customer, last)
	made(t, p, c, ch, err)
	_, _, err = p.Authorize(choice(), customer, over)
	wantNotPossible(t, err, consent.Pending)
	_, _, err = p.Reject(customer, over)
	wantNotPossible(t, err, consent.Pending)
	partial := authorized(t, "7001")
	_, _, err = partial.Authorize(choice(), coHolder, over)
	wantNotPossible(t, err, consent.PartiallyAuthorized)
}
