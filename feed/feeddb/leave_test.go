package feeddb_test

import (
	"context"
	"testing"
	"time"

	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

const waiters = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`

// Whoever ends several deliveries of a shard has its lock. One that left would
// else lock the same ones in another order, and each wait for the other.
func TestWhoLeavesWaitsForWorkInAShardThatItLetGoOf(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		if db.Engine() != sqldb.Postgres {
			t.Skip("one writes at a time")
		}
		share(t, db, 100)
		s := feeddb.New(db, time.Now)
		event := feed.Event{Bank: "b", Account: "a7", Sequence: 1, Kind: feed.BalanceChanged, Answer: []byte("x")}
		if _, err := s.Publish(t.Context(), "b", []feed.Event{event}); err != nil {
			t.Fatal(err)
		}
		if out, err := s.Due(t.Context(), "p", "leaves", feed.Room{Events: 10}); err != nil || len(out) != 1 {
			t.Fatalf("given %v, %v", out, err)
		}
		err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE feed_shards SET consumer = '', leased_until = 0`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		left := make(chan error, 1)
		err = db.Transact(t.Context(), func(tx sqldb.Tx) error {
			if _, err := tx.ExecContext(t.Context(), `SELECT shard FROM feed_shards ORDER BY shard FOR UPDATE`); err != nil {
				return err
			}
			go func() { left <- s.Leave(context.WithoutCancel(t.Context()), "p", "leaves") }()
			for number(t, db, waiters) == 0 {
				select {
				case err := <-left:
					t.Errorf("it left while somebody was at work in the shard: %v", err)
					left <- err
					return nil
				default:
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-left; err != nil {
			t.Fatal(err)
		}
		if got, err := s.Due(t.Context(), "p", "stays", feed.Room{Events: 10}); err != nil || len(got) != 1 {
			t.Errorf("another is given %v, %v", got, err)
		}
	})
}
