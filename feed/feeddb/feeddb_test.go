package feeddb_test

import (
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/grantdb"
	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/feed/feedtest"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

func rig(db *sqldb.DB, now func() time.Time) feedtest.Rig {
	grants := grantdb.New(db)
	return feedtest.Rig{
		Store:  feeddb.NewWithClock(db, now),
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
		feedtest.RunStore(t, func(t *testing.T, now func() time.Time) feedtest.Rig { return rig(open(t), now) })
	})
}

// There may be ten thousand streams on which nothing happens, and each asks
// twice a second.
func TestAConsumerWithNothingDueWritesNothing(t *testing.T) {
	db := sqldbtest.SQLite(t)
	at := time.UnixMilli(1 << 40)
	s := feeddb.NewWithClock(db, func() time.Time { return at })
	fill(t, db, 1000)
	ask := func(partner consent.PartnerID, consumer string) int {
		t.Helper()
		due, err := s.Due(t.Context(), partner, consumer, feed.Room{Events: 2000})
		if err != nil {
			t.Fatal(err)
		}
		return len(due)
	}
	if n := ask("p1", "a"); n < 1000 {
		t.Fatalf("given %d of 1000", n)
	}
	ask("p1", "b")                                         // another one that waits, and is known to
	err := db.Transact(t.Context(), func(sqldb.Tx) error { // whoever wants to write now waits for ever
		for _, at = range []time.Time{at, at.Add(feed.Lease / 3)} {
			if n := ask("p1", "a") + ask("p1", "b") + ask("nobody", "c"); n > 0 {
				t.Errorf("given %d more", n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// While replicas are replaced, an old one may read what a newer one wrote.
func TestWhatIsNotUnderstoodWaitsAndStopsNobody(t *testing.T) {
	db := sqldbtest.SQLite(t)
	s := feeddb.NewWithClock(db, func() time.Time { return time.UnixMilli(1 << 40) })
	fill(t, db, 200) // none of the 4 changes in p1's outbox has a revision
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE feed_deliveries SET kind = 'CARD_BLOCKED' WHERE partner = 'p1' AND lane = 'a7'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	due, err := s.Due(t.Context(), "p1", "a", feed.Room{Events: 1000})
	if err != nil || len(due) != 199 {
		t.Fatalf("given %d of 199, %v", len(due), err)
	}
	if n := number(t, db, `SELECT count(*) FROM feed_deliveries WHERE kind = 'CARD_BLOCKED' AND attempts = 1`); n != 1 {
		t.Errorf("%d events of a new kind wait, want 1", n)
	}
	if n := number(t, db, `SELECT count(*) FROM feed_deliveries WHERE kind = 'CONSENT_CHANGED' AND attempts = 1`); n != 4 {
		t.Errorf("%d changes wait, want 4", n)
	}
}

// Idle consumers of one partner ask the database once for all of them, and yet
// none waits for what is new for longer than it would have polled.
func TestQuietEndsWithWhatIsNewHereAndSoonWithWhatIsNewElsewhere(t *testing.T) {
	db := sqldbtest.SQLite(t)
	fill(t, db, 10)
	at := time.UnixMilli(1 << 40)
	now := func() time.Time { return at }
	here, elsewhere := feeddb.NewWithClock(db, now), feeddb.NewWithClock(db, now)
	due := func() int {
		t.Helper()
		got, err := here.Due(t.Context(), "p1", "a", feed.Room{Events: 10})
		if err != nil {
			t.Fatal(err)
		}
		var acks []feed.Ack
		for _, d := range got {
			acks = append(acks, feed.Ack{Shard: d.Shard, Pos: d.Pos})
		}
		if len(acks) == 0 {
			return 0
		}
		if err := here.Acknowledge(t.Context(), "p1", "a", acks); err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	publish := func(s *feeddb.Store, sequence int64) {
		t.Helper()
		e := feed.Event{Bank: "b", Account: "a7", Sequence: sequence, Kind: feed.BalanceChanged, Answer: []byte("x"), PublishedAt: at}
		if p, err := s.Publish(t.Context(), "b", []feed.Event{e}); err != nil || len(p.Partners) != 1 {
			t.Fatalf("Publish: %+v, %v", p, err)
		}
	}
	for due() > 0 {
	}
	publish(here, 2)
	if n := due(); n != 1 {
		t.Errorf("given %d of what was published here", n)
	}
	due()
	publish(elsewhere, 3)
	if n := due(); n != 0 {
		t.Errorf("the database was asked again at once, and gave %d", n)
	}
	at = at.Add(feed.Poll / 2)
	if n := due(); n != 1 {
		t.Errorf("given %d of what was published elsewhere", n)
	}
	due()
	at = at.Add(-time.Hour)
	publish(elsewhere, 4)
	if n := due(); n != 1 {
		t.Errorf("given %d after the clock was set back", n)
	}
}
