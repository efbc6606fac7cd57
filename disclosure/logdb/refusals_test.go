package logdb_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	"sluice/refusal"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

var today = consent.DayOf(noon)

func refusals(t testing.TB, log *logdb.Log, id consent.ID) []disclosure.RefusalCount {
	t.Helper()
	got, err := log.Refusals(t.Context(), id, today-400, today+400)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func total(all []disclosure.RefusalCount) int {
	sum := 0
	for _, c := range all {
		sum += c.Count
	}
	return sum
}

func TestRefusalsAreCountedByDayAndReason(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		log := logdb.New(db, "boot_1")
		log.Refused("con_1", refusal.ConsentPaused, noon)
		log.Refused("con_1", refusal.ConsentPaused, noon.Add(time.Minute))
		log.Refused("con_1", refusal.ConsentPaused, noon.Add(-time.Minute)) // calls overtake each other
		log.Refused("con_1", refusal.AccountNotCovered, noon)
		log.Refused("con_1", refusal.ConsentPaused, noon.Add(12*time.Hour))
		log.Refused("con_2", refusal.ConsentRevoked, noon)
		log.Close() // writes what waits

		want := []disclosure.RefusalCount{
			{Day: today, Reason: refusal.AccountNotCovered, Count: 1, Last: noon},
			{Day: today, Reason: refusal.ConsentPaused, Count: 3, Last: noon.Add(time.Minute)},
			{Day: today + 1, Reason: refusal.ConsentPaused, Count: 1, Last: noon.Add(12 * time.Hour)},
		}
		again := logdb.New(db, "boot_2")
		defer again.Close()
		if diff := cmp.Diff(want, refusals(t, again, "con_1")); diff != "" {
			t.Errorf("refusals differ (-want +got):\n%s", diff)
		}
		got, err := again.Refusals(t.Context(), "con_1", today+1, today+1)
		if diff := cmp.Diff(want[2:], got); diff != "" || err != nil {
			t.Errorf("of one day (-want +got), %v:\n%s", err, diff)
		}
		if got := refusals(t, again, "con_none"); got != nil {
			t.Errorf("of no consent: %v", got)
		}
	})
}

// However often a partner is refused, and by however many replicas, it is one
// row for each reason and day, and none is lost.
func TestAFloodOfRefusalsIsOneRow(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		var wg sync.WaitGroup
		for replica := range 2 {
			log := logdb.New(db, fmt.Sprint("boot_", replica))
			wg.Go(func() {
				var callers sync.WaitGroup
				for range 4 {
					callers.Go(func() {
						for range 2500 {
							log.Refused("con_1", refusal.AccessLimitReached, noon)
						}
					})
				}
				callers.Wait()
				log.Close()
			})
		}
		wg.Wait()
		log := logdb.New(db, "boot_3")
		defer log.Close()
		if got := refusals(t, log, "con_1"); len(got) != 1 || got[0].Count != 20_000 {
			t.Errorf("refusals = %+v, want one row of 20000", got)
		}
	})
}

func TestRefusalsAreWrittenSoonWithoutBeingAskedTo(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		for want := 1; want <= 2; want++ {
			d.log.Refused(d.id, refusal.ConsentPaused, noon)
			d.eventually(func() bool { return total(refusals(t, d.log, d.id)) == want })
		}
	})
}

// hold keeps the database from being written to until the answer is called.
func hold(t *testing.T, db *sqldb.DB) (release func()) {
	t.Helper()
	held, let := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Transact(t.Context(), func(sqldb.Tx) error {
			close(held)
			<-let
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	return func() { close(let); wg.Wait() }
}

// While the database can't be written to, nobody who is refused waits, what is
// kept in the process has a bound, and all of that is written later.
func TestRefusalsNeverWaitAndAreBoundedWhileTheDatabaseIsAway(t *testing.T) {
	db := sqldbtest.SQLite(t)
	log := logdb.New(db, "boot_1")
	release := hold(t, db)
	const beyond = 500
	for i := range 2*logdb.RefusalsLimit + beyond {
		// A batch may be on its way beside as many that wait.
		log.Refused(consent.ID(fmt.Sprint("con_", i)), refusal.ConsentPaused, noon)
	}
	dropped := log.RefusalsDropped()
	if dropped < beyond {
		t.Errorf("%d were dropped, want at least %d", dropped, beyond)
	}
	log.Refused("con_0", refusal.ConsentPaused, noon)
	release()
	log.Close()
	var rows, sum int64
	if err := db.Reader().QueryRowContext(t.Context(), `SELECT count(*), sum(count) FROM refusals`).Scan(&rows, &sum); err != nil {
		t.Fatal(err)
	}
	if want := int64(2*logdb.RefusalsLimit+beyond+1) - log.RefusalsDropped(); sum != want || rows > 2*logdb.RefusalsLimit {
		t.Errorf("%d rows count %d refusals, want %d", rows, sum, want)
	}
}

// A change of a consent waits for a batch of refusals at most.
func TestARevokeIsNotStarvedByRefusals(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		done := make(chan struct{})
		var wg sync.WaitGroup
		for caller := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
						d.log.Refused(consent.ID(fmt.Sprint("con_", caller, "_", i%5000)), refusal.ConsentPaused, noon)
					}
				}
			})
		}
		d.eventually(func() bool { return len(refusals(t, d.log, "con_0_0")) > 0 })
		_, err := d.book.Revoke(t.Context(), d.customer(), d.id)
		close(done)
		wg.Wait()
		d.must(err)
	})
}

func TestOldRefusalsGo(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		for _, ago := range []consent.Day{logdb.RefusalsKept, logdb.RefusalsKept + 1, 3000} {
			d.must(d.db.Batch(t.Context(), []*sqldb.Statement{{
				Text: logdb.AddRefusals, Args: []any{string(d.id), int64(today - ago), "CONSENT_PAUSED", int64(1), int64(0)},
			}}))
		}
		d.log.Refused(d.id, refusal.ConsentPaused, noon)
		var got []disclosure.RefusalCount
		d.eventually(func() bool {
			var err error
			got, err = d.log.Refusals(t.Context(), d.id, 0, today)
			d.must(err)
			return len(got) == 2
		})
		if got[0].Day != today-logdb.RefusalsKept || got[1].Day != today {
			t.Errorf("left are %+v", got)
		}
	})
}

func BenchmarkRefused(b *testing.B) {
	log := logdb.New(sqldbtest.SQLite(b), "boot_1")
	defer log.Close()
	for b.Loop() {
		log.Refused("con_1", refusal.ConsentPaused, noon)
	}
}
