package grantdb_test

import (
	"slices"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/sqldb/sqldbtest"
)

func TestWhoSharesAnAccountIsWhoseLiveConsentsHaveIt(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		now := time.Now()
		store := grantdb.New(open(t))
		book := consent.NewBook(store, consenttest.NewBarrier(), func() time.Time { return now })
		give := func(bank consent.BankID, customer consent.CustomerID, account consent.AccountID) consent.ID {
			clusters := consent.ClustersOf(consent.Balances)
			asked, err := book.Request(t.Context(), "messenger", bank, consent.Terms{
				Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
				ValidUntil: now.AddDate(0, 1, 0), UnattendedPerDay: 4,
			})
			if err != nil {
				t.Fatal(err)
			}
			choice := consent.Choice{Shares: []consent.Share{{Account: account, Clusters: clusters}}}
			if _, err := book.Authorize(t.Context(), consent.ByCustomer{Bank: bank, Customer: customer}, asked.ID, 0, choice); err != nil {
				t.Fatal(err)
			}
			return asked.ID
		}
		give("morava", "two", "A1")
		give("morava", "one", "A1")
		give("morava", "one", "A1")
		give("morava", "three", "A2")
		give("tatra", "four", "A1")
		paused, ended := give("morava", "five", "A1"), give("morava", "six", "A1")
		if _, err := book.Pause(t.Context(), consent.ByCustomer{Bank: "morava", Customer: "five"}, paused, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := book.Revoke(t.Context(), consent.ByCustomer{Bank: "morava", Customer: "six"}, ended); err != nil {
			t.Fatal(err)
		}
		got, err := store.Sharers(t.Context(), "morava", "A1")
		if want := []consent.CustomerID{"five", "one", "two"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("Sharers = %v, %v, want %v", got, err, want)
		}
		if none, err := store.Sharers(t.Context(), "morava", "A9"); err != nil || len(none) != 0 {
			t.Errorf("Sharers of none = %v, %v", none, err)
		}
	})
}
