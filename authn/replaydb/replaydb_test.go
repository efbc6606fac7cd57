package replaydb_test

import (
	"path/filepath"
	"testing"
	"time"

	"sluice/authn/replaydb"
	"sluice/authn/replaytest"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

func TestStorePassesTheSuite(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		replaytest.RunStore(t, time.Now(), func(t *testing.T) (one, other replaytest.Store) {
			db := open(t)
			return replaydb.New(db), replaydb.New(db)
		})
	})
}

// A replica whose clock is ahead must not open a window for the others.
func TestASweepByAClockThatIsAheadRemovesNothingEarly(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s := replaydb.New(open(t))
		until := time.Now().Add(10 * time.Minute)
		if _, err := s.Use(t.Context(), "k", until); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sweep(t.Context(), time.Now().Add(24*time.Hour)); err != nil || n != 0 {
			t.Fatalf("Sweep = %d, %v", n, err)
		}
		if fresh, err := s.Use(t.Context(), "k", until); err != nil || fresh {
			t.Errorf("Use = %t, %v; want used", fresh, err)
		}
	})
}

func TestAStoreThatIsAwayMakesNoUseFresh(t *testing.T) {
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := replaydb.New(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if fresh, err := s.Use(t.Context(), "k", time.Now()); err == nil || fresh {
		t.Errorf("Use = %t, %v; want an error", fresh, err)
	}
}
