package feeddb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// away makes a partner that comes back after a day: 50 deliveries are due to it,
// and behind them in their lanes, and to another partner in the same shards, many
// more wait.
func away(t *testing.T, db *sqldb.DB, many int) {
	t.Helper()
	numbers := func(n int) string {
		return fmt.Sprintf(`(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n`, n)
	}
	const delivery = `INSERT INTO feed_deliveries (partner, shard, pos, id, consent_id, lane, bank, account, sequence, kind, published_at,
		head, due_at, consumer, attempts, errors) SELECT `
	for _, s := range []string{
		`INSERT INTO feed_events (bank, account, sequence, kind, day, occurred_at, published_at, sealed, waiting)
			SELECT 'b', 'a' || (i % 50), i, 'BALANCE_CHANGED', 0, 0, 1000 + i, 'x', 2 FROM ` + numbers(many+50),
		delivery + `'p1', i % 50 % 16, i, 'evt_1_' || i, 'c' || (i % 50), 'a' || (i % 50), 'b', 'a' || (i % 50), i, 'BALANCE_CHANGED', 1000 + i,
			CASE WHEN i <= 50 THEN 1 ELSE 0 END, i, '', 0, 0 FROM ` + numbers(many+50),
		delivery + `'p2', i % 16, i, 'evt_2_' || i, 'd' || i, 'a' || (i % 50), 'b', 'a' || (i % 50), i, 'BALANCE_CHANGED', 1000 + i,
			1, i, '', 0, 0 FROM ` + numbers(many),
		`INSERT INTO feed_shards (partner, shard, pos, consumer, leased_until) SELECT 'p1', i - 1, 100000000, '', 0 FROM ` + numbers(feed.Shards),
		`INSERT INTO feed_shards (partner, shard, pos, consumer, leased_until) SELECT 'p2', i - 1, 100000000, '', 0 FROM ` + numbers(feed.Shards),
	} {
		err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), s)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func resume(t *testing.T, db *sqldb.DB) {
	t.Helper()
	due, err := feeddb.New(db, time.Now).Due(t.Context(), "p1", "back", feed.Room{Events: 1000})
	if err != nil || len(due) != 50 {
		t.Fatalf("given %d, %v, want the 50 that are due", len(due), err)
	}
}

func TestResumeAfterADayAwayReadsOnlyWhatIsDue(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		db := sqldbtest.SQLite(t)
		away(t, db, 20_000)
		for _, name := range []string{"read heads", "look at shards"} {
			p := feeddb.Statements(db)[name]
			plan := planOf(t, db, `EXPLAIN QUERY PLAN `+p.Text, p.Args)
			if !strings.Contains(plan, "feed_deliveries_due (partner=? AND shard=?") {
				t.Errorf("%s does not look for what is due:\n%s", name, plan)
			}
		}
		resume(t, db)
	})
	t.Run("postgres", func(t *testing.T) {
		small, large := visits(t, 10_000), visits(t, 20_000)
		if large.rows > 1000 {
			t.Errorf("%d rows were read of 50 that are due", large.rows)
		}
		if large.rows > small.rows*11/10 || large.scans > small.scans*11/10 { // alike, whatever the planner thinks at the time
			t.Errorf("what is read depends on what is not due: %+v and %+v", small, large)
		}
	})
}

// visited is what the server says that it read of feeds.
type visited struct{ scans, rows int }

func visits(t *testing.T, many int) visited {
	t.Helper()
	// One connection: what it read is counted in its own memory until it says so.
	db, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: sqldbtest.Create(t), Connections: 1, SingleNode: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	away(t, db, many)
	before := counted(t, db)
	resume(t, db)
	after := counted(t, db)
	return visited{after.scans - before.scans, after.rows - before.rows}
}

func counted(t *testing.T, db *sqldb.DB) visited {
	t.Helper()
	var v visited
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), `SELECT pg_stat_force_next_flush()`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	v.scans = number(t, db, `SELECT sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0)) FROM pg_stat_user_tables WHERE relname LIKE 'feed_%'`)
	v.rows = number(t, db, `SELECT sum(t.seq_tup_read + coalesce((SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0))
		FROM pg_stat_user_tables t WHERE t.relname LIKE 'feed_%'`)
	return v
}
