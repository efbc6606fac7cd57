package consenttest

import (
	"fmt"
	"testing"
	"time"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
)

// epoch is when the suite's first consent is asked for.
func epoch() time.Time { return time.Date(2026, time.March, 29, 1, 59, 59, 123e6, time.UTC) }

// first makes a PENDING consent, asked for at an instant.
func first(t *testing.T, id consent.ID, at time.Time) (consent.Consent, consent.Change) {
	t.Helper()
	return requested(t, id, at, false)
}

func requested(t *testing.T, id consent.ID, at time.Time, oneTime bool) (consent.Consent, consent.Change) {
	t.Helper()
	c, ch, err := consent.Request(id, "messenger", "morava", consent.Terms{
		Clusters: consent.ClustersOf(consent.AccountBasic, consent.Balances, consent.TransactionsDetailed),
		Purpose:  consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "To show you your accounts.",
		LookBackDays: 90, ValidUntil: at.Add(90 * 24 * time.Hour), UnattendedPerDay: 4, OneTime: oneTime, RetentionDays: 30,
	}, at)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	return c, ch
}

// authorized is the next revision of a PENDING consent, one minute later.
func authorized(t *testing.T, c consent.Consent, customer consent.CustomerID, coHolders ...consent.CustomerID) (consent.Consent, consent.Change) {
	t.Helper()
	by := consent.Actor{Kind: consent.ActorCustomer, ID: string(customer)}
	next, ch, err := c.Authorize(consent.Choice{
		Shares: []consent.Share{
			{Account: "A2", Clusters: consent.ClustersOf(consent.Balances)},
			{Account: "A1", Clusters: consent.ClustersOf(consent.AccountBasic, consent.TransactionsDetailed)},
		},
		CoHolders: coHolders,
	}, by, c.CreatedAt.Add(time.Minute))
	if err != nil {
		t.Fatalf("authorize: %v", err)
	}
	return next, ch
}

// next makes some further revision that only its change's actor tells apart.
func next(c consent.Consent, actor string) (consent.Consent, consent.Change) {
	c = c.Clone()
	c.Revision++
	c.ChangedAt = c.ChangedAt.Add(time.Second)
	c.Asked.PurposeText = "By " + actor
	return c, consent.Change{
		Consent: c.ID, Revision: c.Revision, Kind: consent.KindSuspend,
		Actor: consent.Actor{Kind: consent.ActorOperator, ID: actor}, At: c.ChangedAt, Status: c.Status,
	}
}

// strange has values in every field that an encoding might lose.
func strange() (consent.Consent, consent.Change) {
	at := epoch()
	c := consent.Consent{
		ID: "con_ \"'%_\\\n☂", Revision: 1, Status: consent.Suspended,
		Partner: "p\u00e9", Bank: "b\u0301", Customer: "c'; --",
		Asked: consent.Terms{
			Clusters: ^consent.Clusters(0) & consent.ClustersOf(consent.AccountBasic, consent.AccountDetailed,
				consent.Balances, consent.TransactionsBasic, consent.TransactionsDetailed, consent.Cards,
				consent.CardTransactions, consent.Statements, consent.FraudAlerts, consent.Conversations),
			Purpose:     consentv1.Purpose_PURPOSE_TAX_AND_ACCOUNTING,
			PurposeText: "Two\nlines, \"quotes\", <b>&amp;</b>, \u2028 and 🧾.", LookBackDays: 730,
			ValidUntil: at.Add(consent.MaxDuration), UnattendedPerDay: 1000, OneTime: true, RetentionDays: 730,
		},
		Shares: []consent.Share{
			{Account: "A\t1", Clusters: consent.ClustersOf(consent.Conversations)},
			{Account: "A2 ", Clusters: consent.ClustersOf(consent.AccountBasic, consent.AccountDetailed)},
			{Account: "á", Clusters: consent.ClustersOf(consent.Statements, consent.FraudAlerts)},
		},
		LookBackDays: 1, ValidUntil: at.Add(time.Hour + time.Millisecond), EndClamped: true,
		Holds:    consent.HeldByCustomer | consent.HeldByBank | consent.HeldByOperator,
		Awaiting: []consent.CustomerID{"h1", "h,2"}, CoHolders: []consent.CustomerID{"h,0", "h1", "h,2"}, Hidden: true,
		RenewalAsked: at.Add(time.Hour + 2*time.Millisecond), RenewalAskAt: at.Add(5 * time.Millisecond), EndAnnounced: at.Add(3 * time.Millisecond),
		CreatedAt: at, ChangedAt: at.Add(999 * time.Millisecond), DecidedAt: at.Add(998 * time.Millisecond),
	}
	return c, consent.Change{
		Consent: c.ID, Revision: 1, Kind: consent.KindWithdrawAccount,
		Actor: consent.Actor{Kind: consent.ActorCoHolder, ID: "h '\"\n"}, Why: consent.WhyAccountClosed,
		At: c.ChangedAt, Status: c.Status,
	}
}

func idOf(n int) consent.ID { return consent.ID(fmt.Sprintf("con_%04d", n)) }
