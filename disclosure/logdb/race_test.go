package logdb_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	"sluice/registry"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// slowCommits makes the time between an entry's insertion and its commit long,
// where whoever does not hold the grant is overtaken.
const (
	slowFunction = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM pg_sleep(0.02 + 0.03 * random()); RETURN NULL; END $$`
	slowCommits = `CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON disclosures
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`
)

func slowPostgres(t testing.TB) *sqldb.DB {
	return sqldbtest.PostgresWith(t, slowFunction, slowCommits)
}

// hammer appends from several replicas at once until done is closed, then as long as it works.
func (d *desk) hammer(t *testing.T, replicas, callers int, done <-chan struct{}) *sync.WaitGroup {
	t.Helper()
	var wg sync.WaitGroup
	e := d.entry()
	for r := range replicas {
		log := logdb.NewWithClock(d.db, "boot_"+string(rune('a'+r)), d.clock)
		t.Cleanup(log.Close)
		for range callers {
			wg.Go(func() {
				for over := false; !over; {
					select {
					case <-done:
						over = true // once more
					default:
					}
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					_, _, err := log.Append(ctx, disclosure.NewID(), e)
					cancel()
					if errors.Is(err, disclosure.ErrGrantChanged) {
						return
					}
				}
			})
		}
	}
	return &wg
}

// A change and the releases before it are in one order: what is on record when
// a revoke returns is all that ever will be.
func TestNoRecordIsCommittedAfterARevokeReturned(t *testing.T) {
	for name, open := range map[string]sqldbtest.Open{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres, "postgres with slow commits": slowPostgres} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				d := newDesk(t, open, nil)
				done := make(chan struct{})
				wg := d.hammer(t, 2, 3, done)
				time.Sleep(10 * time.Millisecond)
				if _, err := d.book.Revoke(t.Context(), d.customer(), d.id); err != nil {
					t.Error(err)
				}
				then := len(d.records())
				close(done)
				wg.Wait()
				if now := len(d.records()); now != then {
					t.Fatalf("%d records when the revoke returned, %d later", then, now)
				}
			}
		})
	}
}

func TestNoRecordIsCommittedAfterASuspensionReturned(t *testing.T) {
	for name, open := range map[string]sqldbtest.Open{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres, "postgres with slow commits": slowPostgres} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				d := newDesk(t, open, nil)
				done := make(chan struct{})
				wg := d.hammer(t, 2, 3, done)
				time.Sleep(10 * time.Millisecond)
				if _, err := d.registry.SetPartnerStanding(t.Context(), "messenger", registry.Suspended); err != nil {
					t.Error(err)
				}
				then := len(d.records())
				close(done)
				wg.Wait()
				if now := len(d.records()); now != then {
					t.Fatalf("%d records when the suspension returned, %d later", then, now)
				}
			}
		})
	}
}

// A stream of releases under one grant does not keep its revoke out: it waits
// its turn in one queue with them, and would fail at the lock timeout.
func TestARevokeIsNotStarvedByReleases(t *testing.T) {
	for name, open := range map[string]sqldbtest.Open{"sqlite": sqldbtest.SQLite, "postgres": slowPostgres} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, open, nil)
			done := make(chan struct{})
			wg := d.hammer(t, 4, 4, done)
			time.Sleep(50 * time.Millisecond)
			if _, err := d.book.Revoke(t.Context(), d.customer(), d.id); err != nil {
				t.Errorf("Revoke = %v", err)
			}
			close(done)
			wg.Wait()
		})
	}
}

// An entry whose grant is held by somebody who does not let go fails by itself;
// the others of its batch are recorded.
func TestAGrantThatIsHeldDoesNotHoldUpOthers(t *testing.T) {
	d := newDesk(t, sqldbtest.Postgres, nil)
	held := d.entry()
	asked, err := d.book.Request(t.Context(), "messenger", "morava", termsOf(held))
	d.must(err)
	c, err := d.book.Authorize(t.Context(), d.customer(), asked.ID, 0, consent.Choice{Shares: held.Grant.Shares()})
	d.must(err)
	free := held
	free.Grant = c.Grant()

	release, locked := make(chan struct{}), make(chan struct{})
	var holder sync.WaitGroup
	holder.Go(func() {
		_ = d.db.Transact(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE grants SET fenced_version = fenced_version WHERE consent_id = $1`, string(held.Grant.ID()))
			close(locked)
			<-release
			return err
		})
	})
	<-locked
	var ok, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			e := free
			if i%10 == 0 {
				e = held
			}
			if err := d.append(e); err != nil {
				failed.Add(1)
			} else {
				ok.Add(1)
			}
		})
	}
	wg.Wait()
	close(release)
	holder.Wait()
	if err := d.append(held); err != nil {
		t.Errorf("after it was let go, Append = %v", err)
	}
	if ok.Load() != 18 || failed.Load() != 2 {
		t.Errorf("%d recorded and %d not, want 18 and 2", ok.Load(), failed.Load())
	}
}

func termsOf(e disclosure.Entry) consent.Terms {
	return consent.Terms{
		Clusters: e.Clusters, Purpose: e.Purpose, PurposeText: "to show it",
		ValidUntil: e.Grant.ValidUntil(), UnattendedPerDay: e.Grant.UnattendedPerDay(),
	}
}

func TestACallerWhoGaveUpLeavesARecordThatSaysWithheld(t *testing.T) {
	d := newDesk(t, slowPostgres, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, _, err := d.log.Append(ctx, disclosure.NewID(), d.entry()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Append = %v, want DeadlineExceeded", err)
	}
	d.outcome(disclosure.Withheld)
}

func TestAnOutcomeIsWrittenDown(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		id, err := d.add(d.entry())
		d.must(err)
		if got := d.records()[0].Outcome; got != disclosure.Sent {
			t.Errorf("at first the outcome is %v, want SENT", got)
		}
		d.log.Outcome(id, disclosure.Late)
		d.outcome(disclosure.Late)
		d.log.Outcome(id, disclosure.Withheld) // what is written stays
		time.Sleep(20 * time.Millisecond)
		d.outcome(disclosure.Late)
	})
}

// outcome requires one record, and soon this outcome.
func (d *desk) outcome(want disclosure.Outcome) {
	d.t.Helper()
	var got []disclosure.Record
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if got = d.records(); len(got) == 1 && got[0].Outcome == want {
			return
		}
	}
	d.t.Errorf("%d records, %+v; want one that says %s", len(got), got, want)
}
