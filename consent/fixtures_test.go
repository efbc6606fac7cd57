package consent_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/refusal"
)

const day = 24 * time.Hour

var (
	start    = time.Date(2026, time.May, 4, 9, 30, 0, 0, time.UTC)
	customer = consent.Actor{Kind: consent.ActorCustomer, ID: "9593"}
	coHolder = consent.Actor{Kind: consent.ActorCoHolder, ID: "7001"}
	bank     = consent.Actor{Kind: consent.ActorBank, ID: "morava"}
	partner  = consent.Actor{Kind: consent.ActorPartner, ID: "messenger"}
	operator = consent.Actor{Kind: consent.ActorOperator, ID: "ops"}
	system   = consent.Actor{Kind: consent.ActorSystem}
)

func clusters(cs ...consent.Cluster) consent.Clusters { return consent.ClustersOf(cs...) }

func share(account consent.AccountID, cs ...consent.Cluster) consent.Share {
	return consent.Share{Account: account, Clusters: clusters(cs...)}
}

func terms() consent.Terms {
	return consent.Terms{
		Clusters: clusters(consent.AccountBasic, consent.Balances, consent.TransactionsBasic),
		Purpose:  consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "To show you your accounts.",
		LookBackDays: 90, ValidUntil: start.Add(180 * day), UnattendedPerDay: 4,
	}
}

// made checks a change's result against what is true of every change.
func made(t *testing.T, before, after consent.Consent, ch consent.Change, err error) consent.Consent {
	t.Helper()
	if err != nil {
		t.Fatalf("change: %v", err)
	}
	if after.Revision != before.Revision+1 {
		t.Errorf("revision %d after %d, want one more", after.Revision, before.Revision)
	}
	want := consent.Change{
		Consent: after.ID, Revision: after.Revision, Kind: ch.Kind, Actor: ch.Actor, Why: ch.Why,
		At: after.ChangedAt, Status: after.Status,
	}
	if d := cmp.Diff(want, ch); d != "" {
		t.Errorf("change does not describe the consent (-want +got):\n%s", d)
	}
	return after
}

func pending(t *testing.T, edit ...func(*consent.Terms)) consent.Consent {
	t.Helper()
	asked := terms()
	for _, e := range edit {
		e(&asked)
	}
	c, ch, err := consent.Request("con_a", "messenger", "morava", asked, start)
	return made(t, consent.Consent{}, c, ch, err)
}

func choice(coHolders ...consent.CustomerID) consent.Choice {
	return consent.Choice{
		Shares: []consent.Share{
			share("A1", consent.AccountBasic, consent.Balances),
			share("A2", consent.AccountBasic, consent.TransactionsBasic),
		},
		CoHolders: coHolders,
	}
}

func authorized(t *testing.T, coHolders ...consent.CustomerID) consent.Consent {
	t.Helper()
	p := pending(t)
	c, ch, err := p.Authorize(choice(coHolders...), customer, start.Add(time.Minute))
	return made(t, p, c, ch, err)
}

// wantRefusal requires a refusal of a kind; for invalid requests, of these fields.
func wantRefusal(t *testing.T, err error, want refusal.Reason, fields ...string) {
	t.Helper()
	var r *refusal.Error
	if !errors.As(err, &r) {
		t.Fatalf("error %v, want a refusal %s", err, refusal.Name(want))
	}
	var got []string
	for _, v := range r.Violations {
		got = append(got, v.Field)
	}
	if r.Reason != want || !slices.Equal(got, fields) {
		t.Fatalf("refusal %s of fields %q (%v), want %s of %q", refusal.Name(r.Reason), got, r, refusal.Name(want), fields)
	}
}

// wantNotPossible requires a refusal that names the present status.
func wantNotPossible(t *testing.T, err error, status consent.Status) {
	t.Helper()
	wantRefusal(t, err, refusal.ChangeNotPossible)
	if !strings.Contains(err.Error(), consent.StatusName(status)) {
		t.Errorf("refusal %q does not name the status %s", err, consent.StatusName(status))
	}
}
