package grantdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/consent/grantdb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

func lines(t *testing.T, db *sqldb.DB, query string) []string {
	t.Helper()
	rows, err := db.Reader().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func wantLines(t *testing.T, db *sqldb.DB, what, query string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if d := cmp.Diff(want, lines(t, db, query)); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

const (
	sharedNow = `SELECT bank || ' ' || account || ' ' || consent_id || ' ' || partner || ' ' || clusters || ' ' || active
		FROM shared_accounts ORDER BY 1`
	toTell = `SELECT partner || ' ' || consent_id || ' ' || revision || ' ' || account || ' ' || bank FROM feed_outbox ORDER BY 1`
)

var (
	customer = consent.Actor{Kind: consent.ActorCustomer, ID: "9593"}
	balances = consent.ClustersOf(consent.Balances)
)

func TestSharedAccountsAreThoseOfLiveConsents(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		s := grantdb.New(db)
		c := asked(t, s, "con_1")
		asked(t, s, "con_2")
		wantLines(t, db, "what PENDING consents share", sharedNow)
		step := func(next consent.Consent, ch consent.Change, err error) {
			t.Helper()
			if err == nil {
				err = s.Replace(t.Context(), next, ch)
			}
			if err != nil {
				t.Fatal(err)
			}
			c = next
		}
		row := func(account string, active int) string {
			return fmt.Sprintf("morava %s con_1 messenger %d %d", account, balances, active)
		}
		step(c.Authorize(consent.Choice{Shares: []consent.Share{{Account: "A'1", Clusters: balances}, {Account: "A2", Clusters: balances}}}, customer, noon))
		wantLines(t, db, "what an ACTIVE one shares", sharedNow, row("A'1", 1), row("A2", 1))
		refill(t, db, row("A'1", 1), row("A2", 1))
		step(c.Pause(customer, noon))
		wantLines(t, db, "what a PAUSED one shares", sharedNow, row("A'1", 0), row("A2", 0))
		refill(t, db, row("A'1", 0), row("A2", 0))
		next, ch, err := c.Resume(customer, noon)
		step(next, ch, err)
		if err := s.Replace(t.Context(), next, ch); err == nil {
			t.Fatal("the same revision was kept twice")
		}
		step(c.Narrow(consent.Narrowing{Shares: []consent.Share{{Account: "A2", Clusters: balances}}}, customer, noon))
		wantLines(t, db, "what a narrower one shares", sharedNow, row("A2", 1))
		step(c.Revoke(customer, noon))
		wantLines(t, db, "what a REVOKED one shares", sharedNow)
		wantLines(t, db, "what is to be told", toTell,
			"messenger con_1 2  morava", "messenger con_1 3  morava", "messenger con_1 4  morava",
			"messenger con_1 5  morava", "messenger con_1 5 A'1 morava", "messenger con_1 6  morava")
	})
}

// refill does again what the migration does with consents that were there.
func refill(t *testing.T, db *sqldb.DB, want ...string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "sqldb", "migrations", string(db.Engine()), "00008_feed.sql"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "WITH bits")
	statement, _, found := strings.Cut(after, ";")
	if !found {
		t.Fatal("the migration has no such statement")
	}
	for _, s := range []string{`DELETE FROM shared_accounts`, "WITH bits" + statement} {
		if err := exec(t, db, s); err != nil {
			t.Fatal(err)
		}
	}
	wantLines(t, db, "what the migration finds", sharedNow, want...)
}
