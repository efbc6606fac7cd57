package feeddb_test

import (
	"testing"

	"sluice/consent"
	"sluice/consent/grantdb"
	"sluice/feed/feeddb"
	"sluice/feed/feedtest"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

func rig(db *sqldb.DB) feedtest.Rig {
	grants := grantdb.New(db)
	return feedtest.Rig{
		Store:  feeddb.New(db),
		Models: 15,
		Keep: func(t testing.TB, c consent.Consent, ch consent.Change) {
			t.Helper()
			keep := grants.Replace
			if c.Revision == 1 {
				keep = grants.Create
			}
			if err := keep(t.Context(), c, ch); err != nil {
				t.Fatal(err)
			}
		},
		Payloads: func(t testing.TB, bank consent.BankID) int {
			return number(t, db, `SELECT count(*) FROM feed_events WHERE bank = $1`, string(bank))
		},
	}
}

func number(t testing.TB, db *sqldb.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.Reader().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStoreKeepsTheContract(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		feedtest.RunStore(t, func(t *testing.T) feedtest.Rig { return rig(open(t)) })
	})
}
