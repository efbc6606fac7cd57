package feeddb_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// fill makes a partner with many consents, accounts, and deliveries that wait.
func fill(t testing.TB, db *sqldb.DB, rows int) {
	t.Helper()
	numbers := fmt.Sprintf(`(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n`, rows)
	for _, s := range []string{
		`INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until)
			SELECT 'b', 'a' || i, 'c' || i, 'p1', 8, 1, 9000000000000 FROM n`,
		`INSERT INTO feed_accounts (bank, account, sequence, ahead) SELECT 'b', 'a' || i, 1, 1 FROM n`,
		`INSERT INTO feed_transactions (name, first_seq, last_seq, status, replaced_by, at)
			SELECT 'n' || i, 1, 1, 1, '', 1000 + i FROM n`,
		`INSERT INTO feed_events (bank, account, sequence, kind, day, occurred_at, published_at, sealed, waiting)
			SELECT 'b', 'a' || i, 1, 'BALANCE_CHANGED', 0, 0, 1000 + i, 'x', 1 FROM n`,
		`INSERT INTO feed_deliveries (partner, shard, pos, id, consent_id, lane, bank, account, sequence, kind, published_at,
				head, due_at, consumer, attempts, errors)
			SELECT 'p1', i % 16, i, 'evt_' || i, 'c' || i, 'a' || i, 'b', 'a' || i, 1, 'BALANCE_CHANGED', 1000 + i, 1, i, '', 0, 0 FROM n`,
		`INSERT INTO feed_outbox (partner, consent_id, revision, account, bank, at) SELECT 'p' || (i % 50), 'c' || i, 2, '', 'b', 1000 + i FROM n`,
		`INSERT INTO feed_consumers (partner, consumer, seen_until) SELECT 'p' || (i % 50), 'c' || i, 1 FROM n WHERE i < 1000`,
		`INSERT INTO feed_shards (partner, shard, pos, consumer, leased_until) SELECT 'p' || (i / 16), i % 16, 100000000, '', 0 FROM n WHERE i < 10000`,
	} {
		err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), strings.Replace(s, "FROM n", "FROM "+numbers, 1))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoStatementReadsAWholeTable(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		fill(t, db, 20_000)
		explain, whole := `EXPLAIN QUERY PLAN `, []string{"SCAN feed_", "SCAN shared_", "SCAN s", "SCAN a", "SCAN d", "SCAN e", "SCAN h", "SCAN o", "SCAN t", "feed_accounts USING PRIMARY KEY (bank=?)", "feed_deliveries USING PRIMARY KEY (partner=?)", "shared_accounts USING PRIMARY KEY (bank=?)"}
		if db.Engine() == sqldb.Postgres {
			explain, whole = `EXPLAIN `, []string{"Seq Scan on"}
		}
		for name, p := range feeddb.Statements(db) {
			plan := planOf(t, db, explain+p.Text, p.Args)
			for _, w := range whole {
				if strings.Contains(plan, w) {
					t.Errorf("%s reads a whole table:\n%s", name, plan)
				}
			}
		}
	})
}

func planOf(t *testing.T, db *sqldb.DB, text string, args []any) string {
	t.Helper()
	var plan strings.Builder
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		if db.Engine() == sqldb.Postgres { // where a table is small, reading it whole may be best
			if _, err := tx.ExecContext(t.Context(), `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
		}
		rows, err := tx.QueryContext(t.Context(), text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			into, line := make([]any, len(columns)), ""
			for i := range into {
				into[i] = new(any)
			}
			into[len(into)-1] = &line
			if err := rows.Scan(into...); err != nil {
				return err
			}
			plan.WriteString(line + "\n")
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return plan.String()
}
