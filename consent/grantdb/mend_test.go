package grantdb_test

import (
	"fmt"
	"testing"

	"sluice/consent"
	"sluice/consent/grantdb"
	"sluice/sqldb/sqldbtest"
)

// An old replica may change consents after the schema is new, and says nothing
// of it to feeds.
func TestWhatAnOldReplicaChangesIsSharedAndToldLater(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		s := grantdb.New(db)
		keep := func(next consent.Consent, ch consent.Change, err error) consent.Consent {
			t.Helper()
			if err == nil {
				err = s.Replace(t.Context(), next, ch)
			}
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		both := consent.Choice{Shares: []consent.Share{{Account: "A1", Clusters: balances}, {Account: "A2", Clusters: balances}}}
		made := map[consent.ID]consent.Consent{}
		for _, id := range []consent.ID{"con_fine", "con_given", "con_narrowed", "con_paused", "con_revoked"} {
			made[id] = keep(asked(t, s, id).Authorize(both, customer, noon))
		}
		asked(t, s, "con_pending")
		before := fmt.Sprint(lines(t, db, sharedNow))
		mending := grantdb.NewMending(s)
		round := func(want int) {
			t.Helper()
			for n := range 2 { // once over all, and once to see that there are no more
				if got, err := mending.Next(t.Context()); err != nil || got != want*(1-n) {
					t.Errorf("mended %d, %v, want %d", got, err, want*(1-n))
				}
			}
		}
		round(0)
		if after := fmt.Sprint(lines(t, db, sharedNow)); after != before {
			t.Errorf("what was whole was changed: %s, was %s", after, before)
		}
		keep(made["con_narrowed"].Narrow(consent.Narrowing{Shares: both.Shares[1:]}, customer, noon))
		keep(made["con_paused"].Pause(customer, noon))
		keep(made["con_revoked"].Revoke(customer, noon))
		row := func(id consent.ID, account string, active int) string {
			return fmt.Sprintf("morava %s %s messenger %d %d", account, id, balances, active)
		}
		// As if none of that, nor the first change of con_given, had been by a new one.
		insert := `INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until, revision) VALUES `
		for _, statement := range []string{
			`DELETE FROM shared_accounts WHERE consent_id <> 'con_fine'`, `DELETE FROM feed_outbox`, `DELETE FROM feed_changed`,
			fmt.Sprintf(insert+`('morava', 'A1', 'con_narrowed', 'messenger', %[1]d, 1, 9, 2), ('morava', 'A2', 'con_narrowed', 'messenger', %[1]d, 1, 9, 2),
				('morava', 'A1', 'con_paused', 'messenger', %[1]d, 1, 9, 2), ('morava', 'A2', 'con_paused', 'messenger', %[1]d, 1, 9, 0),
				('morava', 'A1', 'con_revoked', 'messenger', %[1]d, 1, 9, 2)`, balances),
		} {
			if err := exec(t, db, statement); err != nil {
				t.Fatal(err)
			}
		}
		round(4)
		wantLines(t, db, "what is shared", sharedNow, row("con_fine", "A1", 1), row("con_fine", "A2", 1), row("con_given", "A1", 1),
			row("con_given", "A2", 1), row("con_narrowed", "A2", 1), row("con_paused", "A1", 0), row("con_paused", "A2", 0))
		wantLines(t, db, "what is to be told", toTell, "messenger con_given 2  morava", "messenger con_narrowed 3  morava",
			"messenger con_narrowed 3 A1 morava", "messenger con_paused 3  morava", "messenger con_revoked 3  morava")
		wantLines(t, db, "where what waits is looked at again", `SELECT consent_id || ' ' || revision FROM feed_changed ORDER BY 1`,
			"con_narrowed 3", "con_paused 3", "con_revoked 3")
		round(0)
		// Another replica found them too, and comes to mend them when that is done and
		// told.
		if err := exec(t, db, `DELETE FROM feed_outbox`); err != nil {
			t.Fatal(err)
		}
		for id := range made {
			if again, err := s.Mend(t.Context(), id); again || err != nil {
				t.Errorf("%s was mended again: %t, %v", id, again, err)
			}
		}
		wantLines(t, db, "what is told again", toTell)
	})
}
