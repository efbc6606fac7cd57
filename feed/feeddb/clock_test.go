package feeddb_test

import (
	"testing"
	"time"

	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// age lets time pass for all that is timed by the database.
func age(t *testing.T, db *sqldb.DB, by time.Duration) {
	t.Helper()
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		for _, statement := range []string{
			`UPDATE feed_shards SET leased_until = leased_until - $1 WHERE consumer <> ''`,
			`UPDATE feed_consumers SET seen_until = seen_until - $1`,
			`UPDATE feed_deliveries SET due_at = due_at - $1`,
		} {
			if _, err := tx.ExecContext(t.Context(), statement, by.Milliseconds()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two replicas whose clocks are an hour apart share a feed: what one gave out and
// never acknowledged is the other's after the lease, and neither of them before.
func TestReplicasWhoseClocksAreFarApartShareAFeed(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		for _, apart := range []time.Duration{time.Hour, -time.Hour} {
			db := open(t)
			share(t, db, 100)
			steps := time.Duration(0)
			late := feeddb.New(db, func() time.Time { // asks so seldom that it asks the database each time
				steps += feed.Poll
				return time.Now().Add(apart + steps)
			})
			early := feeddb.New(db, time.Now)
			due := func(s *feeddb.Store, consumer string) []feed.Delivery {
				t.Helper()
				got, err := s.Due(t.Context(), "p", consumer, feed.Room{Events: 10})
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			began := clockOf(t, db)
			event := feed.Event{Bank: "b", Account: "a7", Sequence: 1, Kind: feed.BalanceChanged, Answer: []byte("x")}
			if p, err := late.Publish(t.Context(), "b", []feed.Event{event}); err != nil || len(p.Partners) != 1 {
				t.Fatalf("Publish: %+v, %v", p, err)
			}
			first := due(early, "early")
			if len(first) != 1 {
				t.Fatalf("given %d of what another replica took", len(first))
			}
			if at := first[0].Event.PublishedAt; at.Before(began) || at.After(clockOf(t, db)) {
				t.Errorf("published at %v, which is not between %v and now by the database", at, began)
			}
			if got := due(late, "late"); len(got) != 0 {
				t.Errorf("%v is out, and was given to another", got)
			}
			age(t, db, feed.Lease/2)
			if got := due(late, "late"); len(got) != 0 {
				t.Errorf("%v is out, and was given to another before the lease ended", got)
			}
			age(t, db, feed.Lease/2+time.Millisecond)
			second := due(late, "late")
			if len(second) != 1 || !second[0].Redelivered() {
				t.Fatalf("given %+v after the lease", second)
			}
			acked := []feed.Ack{{Shard: second[0].Shard, Pos: second[0].Pos, Error: "not yet"}}
			if err := late.Acknowledge(t.Context(), "p", "late", acked); err != nil {
				t.Fatal(err)
			}
			rest, _ := feed.Backoff(1)
			resting := time.UnixMilli(int64(number(t, db, `SELECT max(due_at) FROM feed_deliveries`)))
			if now := clockOf(t, db); resting.After(now.Add(rest)) || resting.Before(began.Add(rest)) {
				t.Errorf("rests until %v, want %v after about %v by the database", resting, rest, now)
			}
		}
	})
}

func clockOf(t *testing.T, db *sqldb.DB) time.Time {
	t.Helper()
	return time.UnixMilli(int64(number(t, db, `SELECT `+db.Clock())))
}
