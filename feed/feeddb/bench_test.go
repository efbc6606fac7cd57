package feeddb_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// What an event costs from its bank to its partner's acknowledgement must not
// depend on how many other consents the partner has.
func BenchmarkFeed(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *sqldb.DB
	}{{"sqlite", sqldbtest.SQLite}, {"postgres", sqldbtest.Postgres}} {
		for _, consents := range []int{1_000, 100_000} {
			for _, batch := range []int{1, 100} {
				b.Run(fmt.Sprintf("%s/consents=%d/batch=%d", engine.name, consents, batch), func(b *testing.B) {
					db := engine.open(b)
					share(b, db, consents)
					run(b, feeddb.New(db, time.Now), consents, batch)
				})
			}
		}
	}
}

func share(b testing.TB, db *sqldb.DB, consents int) {
	b.Helper()
	err := db.Transact(b.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(b.Context(), fmt.Sprintf(`
INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until)
SELECT 'b', 'a' || i, 'c' || i, 'p', 8, 1, 9000000000000 FROM (
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n`, consents))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

func run(b *testing.B, s *feeddb.Store, consents, batch int) {
	b.Helper()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	next := make([]int64, consents)
	var publishing time.Duration
	for n := 0; b.Loop(); n++ {
		var events []feed.Event
		for i := range batch {
			a := (n*batch + i) * 7919 % consents
			next[a]++
			events = append(events, feed.Event{
				Bank: "b", Account: consent.AccountID(fmt.Sprint("a", a)), Sequence: next[a], Kind: feed.BalanceChanged,
				Answer: bytes.Repeat([]byte("x"), 300), OccurredAt: at, PublishedAt: at,
			})
		}
		began := time.Now()
		if p, err := s.Publish(b.Context(), "b", events); err != nil || len(p.Partners) != 1 {
			b.Fatalf("Publish: %+v, %v", p, err)
		}
		publishing += time.Since(began)
		due, err := s.Due(b.Context(), "p", "c", feed.Room{Events: batch})
		if err != nil || len(due) != batch {
			b.Fatalf("Due: %d, %v", len(due), err)
		}
		var acks []feed.Ack
		for _, d := range due {
			acks = append(acks, feed.Ack{Shard: d.Shard, Pos: d.Pos})
		}
		if err := s.Acknowledge(b.Context(), "p", "c", acks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(publishing.Microseconds())/float64(b.N*batch), "publish-µs/event")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*batch), "µs/event")
}
