package logdb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// another makes a second live consent in the same database.
func (d *desk) another() disclosure.Entry {
	d.t.Helper()
	e := d.entry()
	asked, err := d.book.Request(d.t.Context(), "messenger", "morava", termsOf(e))
	d.must(err)
	c, err := d.book.Authorize(d.t.Context(), d.customer(), asked.ID, 0, consent.Choice{Shares: e.Grant.Shares()})
	d.must(err)
	e.Grant = c.Grant()
	return e
}

// withhold notes an outcome and waits until it is written down.
func (d *desk) becomes(id disclosure.ID, what disclosure.Outcome) {
	d.t.Helper()
	d.log.Outcome(id, what)
	d.eventually(func() bool {
		for _, r := range d.records() {
			if r.ID == id {
				return r.Outcome == what
			}
		}
		return false
	})
}

func (d *desk) eventually(so func() bool) {
	d.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if so() {
			return
		}
	}
	d.t.Fatal("it did not happen")
}

func (d *desk) days(from, to consent.Day) []disclosure.DayCount {
	d.t.Helper()
	got, err := d.log.Days(d.t.Context(), d.id, from, to)
	d.must(err)
	return got
}

func TestReleasesAreCountedByDayWithoutTheWithheld(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		today := consent.DayOf(noon)
		away := d.entry()
		away.Unattended = true
		event := away
		event.Pushed = true
		d.must(d.append(d.another())) // not this consent's

		d.must(d.append(d.entry()))
		first, err := d.add(away)
		d.must(err)
		page := away
		page.Continues = first
		d.must(d.append(page))
		d.must(d.append(event))
		withheld, err := d.add(d.entry())
		d.must(err)
		d.becomes(withheld, disclosure.Withheld)
		d.pass(12*time.Hour - time.Millisecond) // the last moment of the day
		late, err := d.add(d.entry())
		d.must(err)
		d.becomes(late, disclosure.Late)
		d.pass(time.Millisecond)
		d.must(d.append(d.entry()))
		d.pass(24 * time.Hour)
		withheld, err = d.add(d.entry())
		d.must(err)
		d.becomes(withheld, disclosure.Withheld)
		d.pass(24 * time.Hour)
		d.must(d.append(away))

		want := []disclosure.DayCount{
			{Day: today, Releases: 5, Unattended: 3, Events: 1},
			{Day: today + 1, Releases: 1},
			{Day: today + 3, Releases: 1, Unattended: 1},
		}
		if diff := cmp.Diff(want, d.days(today-30, today+30)); diff != "" {
			t.Errorf("days differ (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want[1:2], d.days(today+1, today+2)); diff != "" {
			t.Errorf("both ends belong to the range (-want +got):\n%s", diff)
		}
		if got := d.days(today-30, today-1); got != nil {
			t.Errorf("before any release there is %v", got)
		}
		if got := d.days(today+1, today); got != nil {
			t.Errorf("an empty range has %v", got)
		}
	})
}

func TestTheLastReleaseIsTheNewestThatLeft(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		other, never := d.another(), d.another()
		d.must(d.append(d.entry()))
		d.pass(time.Minute)
		d.must(d.append(d.entry()))
		d.must(d.append(other))
		d.pass(time.Minute)
		withheld, err := d.add(d.entry())
		d.must(err)
		d.becomes(withheld, disclosure.Withheld)
		d.pass(time.Minute)
		d.must(d.append(other))

		got, err := d.log.LastRelease(t.Context(), d.id, other.Grant.ID(), never.Grant.ID(), "con_none")
		d.must(err)
		want := map[consent.ID]time.Time{d.id: noon.Add(time.Minute), other.Grant.ID(): noon.Add(3 * time.Minute)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("last releases differ (-want +got):\n%s", diff)
		}
		if got, err := d.log.LastRelease(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("of no consents: %v, %v", got, err)
		}
		odd := consent.ID(`"], ["'; DROP TABLE disclosures; --`)
		if got, err := d.log.LastRelease(t.Context(), odd); err != nil || len(got) != 0 {
			t.Errorf("of an odd id: %v, %v", got, err)
		}
	})
}

// What a customer's page shows of one consent reads that consent's rows, and no
// more than the days shown, however many others there are.
func TestAPageReadsOnlyItsConsentsRows(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		for name, tt := range map[string]struct {
			text string
			args []any
			says map[sqldb.Engine]string
		}{
			"days": {logdb.SelectDays, []any{"con_1", int64(0), int64(1)}, map[sqldb.Engine]string{
				sqldb.SQLite:   "INDEX disclosures_lately (consent_id=? AND at>? AND at<?)",
				sqldb.Postgres: "disclosures_lately on disclosures",
			}},
			"last releases": {logdb.LastOf(db), []any{`["con_1"]`}, map[sqldb.Engine]string{
				sqldb.SQLite:   "INDEX disclosures_by_consent (consent_id=?)",
				sqldb.Postgres: "disclosures_by_consent on disclosures",
			}},
			"refusals": {logdb.SelectRefusals, []any{"con_1", int64(0), int64(1)}, map[sqldb.Engine]string{
				sqldb.SQLite:   "PRIMARY KEY (consent_id=? AND day>? AND day<?)",
				sqldb.Postgres: "refusals_pkey on refusals",
			}},
		} {
			plan := planOf(t, db, tt.text, tt.args...)
			want := tt.says[db.Engine()]
			if !strings.Contains(plan, want) || strings.Contains(plan, "SCAN d\n") || strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s are read by\n%swant %s", name, plan, want)
			}
		}
	})
}

// planOf asks how a query would be answered. Tables are empty here, so PostgreSQL
// is told to use an index wherever it can.
func planOf(t *testing.T, db *sqldb.DB, text string, args ...any) string {
	t.Helper()
	var plan strings.Builder
	explain := "EXPLAIN QUERY PLAN "
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		if db.Engine() == sqldb.Postgres {
			explain = "EXPLAIN "
			for _, off := range []string{"enable_seqscan", "enable_bitmapscan"} {
				if _, err := tx.ExecContext(t.Context(), "SET LOCAL "+off+" = off"); err != nil {
					return err
				}
			}
		}
		rows, err := tx.QueryContext(t.Context(), explain+text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			into := []any{&line}
			if db.Engine() == sqldb.SQLite {
				var n [3]int
				into = []any{&n[0], &n[1], &n[2], &line}
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			fmt.Fprintln(&plan, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
