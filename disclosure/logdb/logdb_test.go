package logdb_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/registry"
	"sluice/registry/registrydb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// desk is a log with a live consent, and the hands that change what it rests on.
type desk struct {
	t        testing.TB
	db       *sqldb.DB
	log      *logdb.Log
	book     *consent.Book
	registry *registrydb.Store
	now      atomic.Int64 // milliseconds
	id       consent.ID
}

func newDesk(t testing.TB, open sqldbtest.Open, change func(*consent.Terms)) *desk {
	t.Helper()
	db := open(t)
	d := &desk{t: t, db: db, registry: registrydb.New(db)}
	d.now.Store(noon.UnixMilli())
	d.log = logdb.NewWithClock(db, "boot_1", d.clock)
	t.Cleanup(d.log.Close)
	d.book = consent.NewBook(grantdb.New(db), consenttest.NewBarrier(), d.clock)
	d.must(d.registry.PutPartner(t.Context(), registry.Partner{ID: "messenger", Name: "Messenger", Standing: registry.Active}))
	d.must(d.registry.PutBank(t.Context(), registry.Bank{ID: "morava", Name: "Banka Morava", Standing: registry.Active}))
	terms := consent.Terms{
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		PurposeText: "to show it", ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 3,
	}
	if change != nil {
		change(&terms)
	}
	asked, err := d.book.Request(t.Context(), "messenger", "morava", terms)
	d.must(err)
	d.id = asked.ID
	_, err = d.book.Authorize(t.Context(), d.customer(), d.id, 0, consent.Choice{Shares: []consent.Share{{Account: "A1", Clusters: terms.Clusters}}})
	d.must(err)
	return d
}

func (d *desk) clock() time.Time      { return time.UnixMilli(d.now.Load()).UTC() }
func (d *desk) pass(by time.Duration) { d.now.Add(by.Milliseconds()) }
func (d *desk) customer() consent.ByCustomer {
	return consent.ByCustomer{Bank: "morava", Customer: "one"}
}
func (d *desk) append(e disclosure.Entry) error { _, err := d.add(e); return err }

func (d *desk) add(e disclosure.Entry) (disclosure.ID, error) {
	id := disclosure.NewID()
	_, _, err := d.log.Append(d.t.Context(), id, e)
	return id, err
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// entry is a release under the present grant.
func (d *desk) entry() disclosure.Entry {
	d.t.Helper()
	g, _, err := grantdb.New(d.db).Load(d.t.Context(), d.id)
	d.must(err)
	return disclosure.Entry{
		Grant: g, Method: "sluice.partner.v1.AccountService/ListBalances", Accounts: []consent.AccountID{"A1"},
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Items: 2, PolicyRevision: "rules-1", RequestID: "req_1",
	}
}

func (d *desk) records() []disclosure.Record {
	d.t.Helper()
	out, err := d.log.List(d.t.Context(), disclosure.Query{Consent: d.id, Limit: 1000})
	d.must(err)
	return out
}

func TestAppendedEntryIsReadBackWhole(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		first, err := d.add(d.entry())
		d.must(err)
		d.pass(time.Second)
		e := d.entry()
		e.Unattended = true
		second, err := d.add(e)
		d.must(err)
		want := disclosure.Record{
			ID: second, Seq: 2, Consent: d.id, Revision: 2, Partner: "messenger", Bank: "morava", Customer: "one",
			Method: e.Method, Accounts: e.Accounts, Clusters: e.Clusters, Purpose: e.Purpose, Unattended: true,
			Items: 2, PolicyRevision: "rules-1", RequestID: "req_1", At: noon.Add(time.Second),
		}
		got := d.records()
		if len(got) != 2 || got[1].ID != first {
			t.Fatalf("records = %+v, want two, newest first", got)
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("record differs (-want +got):\n%s", diff)
		}
		page, err := d.log.List(t.Context(), disclosure.Query{Consent: d.id, BeforeSeq: 2, Limit: 1})
		if err != nil || len(page) != 1 || page[0].ID != first {
			t.Errorf("second page = %+v, %v", page, err)
		}
		usage, err := d.log.Usage(t.Context(), d.id, consent.DayOf(noon))
		if err != nil || usage.Unattended != 1 || !usage.First.Equal(noon) {
			t.Errorf("usage = %+v, %v", usage, err)
		}
		at, used, err := d.log.FirstRelease(t.Context(), d.id)
		if err != nil || !used || !at.Equal(noon) {
			t.Errorf("first release = %v, %t, %v", at, used, err)
		}
		if _, used, err := d.log.FirstRelease(t.Context(), "con_none"); err != nil || used {
			t.Errorf("a consent never used: %t, %v", used, err)
		}
	})
}

// Each case breaks one condition of the fence and no other.
func TestFenceRefusesEachWayAGrantCanHaveChanged(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		oneTime := func(terms *consent.Terms) { terms.OneTime = true }
		forged := func(d *desk, change func(*consent.Consent)) disclosure.Entry {
			c, err := d.book.Get(t.Context(), d.customer(), d.id)
			d.must(err)
			change(&c)
			e := d.entry()
			e.Grant = c.Grant()
			return e
		}
		for _, tt := range []struct {
			name  string
			terms func(*consent.Terms)
			entry func(d *desk) disclosure.Entry
		}{
			{"another revision", nil, func(d *desk) disclosure.Entry {
				e := d.entry()
				_, err := d.book.Pause(t.Context(), d.customer(), d.id, 0)
				d.must(err)
				_, err = d.book.Resume(t.Context(), d.customer(), d.id, 0)
				d.must(err)
				return e
			}},
			{"another content at the same revision", nil, func(d *desk) disclosure.Entry {
				return forged(d, func(c *consent.Consent) { c.LookBackDays = 700 })
			}},
			{"paused", nil, func(d *desk) disclosure.Entry {
				_, err := d.book.Pause(t.Context(), d.customer(), d.id, 0)
				d.must(err)
				return d.entry()
			}},
			{"suspended", nil, func(d *desk) disclosure.Entry {
				_, err := d.book.Suspend(t.Context(), consent.ByOperator("ops"), d.id)
				d.must(err)
				return d.entry()
			}},
			{"revoked", nil, func(d *desk) disclosure.Entry {
				_, err := d.book.Revoke(t.Context(), d.customer(), d.id)
				d.must(err)
				return d.entry()
			}},
			{"at its end, by the log's clock alone", nil, func(d *desk) disclosure.Entry {
				e := d.entry()
				d.now.Store(e.Grant.ValidUntil().UnixMilli())
				return e
			}},
			{"no such consent", nil, func(d *desk) disclosure.Entry {
				return forged(d, func(c *consent.Consent) { c.ID = "con_none" })
			}},
			{"partner suspended", nil, func(d *desk) disclosure.Entry {
				_, err := d.registry.SetPartnerStanding(t.Context(), "messenger", registry.Suspended)
				d.must(err)
				return d.entry()
			}},
			{"bank suspended", nil, func(d *desk) disclosure.Entry {
				_, err := d.registry.SetBankStanding(t.Context(), "morava", registry.Suspended)
				d.must(err)
				return d.entry()
			}},
			{"limit used up", func(terms *consent.Terms) { terms.UnattendedPerDay = 0 }, func(d *desk) disclosure.Entry {
				e := d.entry()
				e.Unattended = true
				return e
			}},
			{"page of no access", nil, func(d *desk) disclosure.Entry {
				e := d.entry()
				e.Unattended, e.Continues = true, "dis_none"
				return e
			}},
			{"the zero grant", nil, func(d *desk) disclosure.Entry {
				e := d.entry()
				e.Grant = consent.Grant{}
				return e
			}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				d := newDesk(t, open, tt.terms)
				e := tt.entry(d)
				if err := d.append(e); !errors.Is(err, disclosure.ErrGrantChanged) {
					t.Errorf("Append = %v, want ErrGrantChanged", err)
				}
				if n := len(d.records()); n != 0 {
					t.Errorf("%d records, want none", n)
				}
			})
		}
		t.Run("one-time, after its sitting", func(t *testing.T) {
			d := newDesk(t, open, oneTime)
			d.must(d.append(d.entry()))
			d.pass(disclosure.OneTimeSitting - time.Millisecond)
			d.must(d.append(d.entry()))
			d.pass(time.Millisecond)
			if err := d.append(d.entry()); !errors.Is(err, disclosure.ErrGrantChanged) {
				t.Errorf("Append = %v, want ErrGrantChanged", err)
			}
		})
	})
}

func TestUnattendedAccessesAreCountedByDayAndPagesAreFreeThatDay(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, func(terms *consent.Terms) { terms.UnattendedPerDay = 1 })
		e := d.entry()
		e.Unattended = true
		first, err := d.add(e)
		d.must(err)
		page := e
		page.Continues = first
		second, err := d.add(page)
		d.must(err)
		if err := d.append(e); !errors.Is(err, disclosure.ErrGrantChanged) {
			t.Errorf("second access = %v, want it refused", err)
		}
		chained := e
		chained.Continues = second // not an access of its own
		if err := d.append(chained); !errors.Is(err, disclosure.ErrGrantChanged) {
			t.Errorf("page of a page = %v, want it refused", err)
		}
		d.pass(24 * time.Hour)
		if err := d.append(page); !errors.Is(err, disclosure.ErrGrantChanged) {
			t.Errorf("yesterday's page = %v, want it refused", err)
		}
		d.must(d.append(e))

		other := newDesk(t, open, nil)
		stolen := other.entry()
		stolen.Unattended, stolen.Continues = true, first
		if err := other.append(stolen); !errors.Is(err, disclosure.ErrGrantChanged) {
			t.Errorf("page of another consent's access = %v, want it refused", err)
		}
	})
}

func TestEventsAreOnRecordAndNotCounted(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, func(terms *consent.Terms) { terms.UnattendedPerDay = 1 })
		pushed, pulled := d.entry(), d.entry()
		pushed.Unattended, pushed.Pushed = true, true
		pulled.Unattended = true
		for range 3 {
			d.must(d.append(pushed))
		}
		d.must(d.append(pulled))
		if err := d.append(pulled); !errors.Is(err, disclosure.ErrGrantChanged) {
			t.Errorf("second access of one: %v", err)
		}
		d.must(d.append(pushed))
		usage, err := d.log.Usage(t.Context(), d.id, consent.DayOf(noon))
		if err != nil || usage.Unattended != 1 {
			t.Errorf("usage = %+v, %v, want the one access", usage, err)
		}
		if got := d.records(); len(got) != 5 || !got[0].Unattended {
			t.Errorf("%d records, want all 5, and the events unattended", len(got))
		}
		_, err = d.book.Revoke(t.Context(), d.customer(), d.id)
		d.must(err)
		if err := d.append(pushed); !errors.Is(err, disclosure.ErrGrantChanged) {
			t.Errorf("an event after the revoke: %v", err)
		}
	})
}

func TestParallelAccessesNeverPassTheLimit(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil) // 3 a day
		e := d.entry()
		e.Unattended = true
		var recorded atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if err := d.append(e); err == nil {
					recorded.Add(1)
				} else if !errors.Is(err, disclosure.ErrGrantChanged) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if recorded.Load() != 3 || len(d.records()) != 3 {
			t.Errorf("%d appended, %d records, want 3", recorded.Load(), len(d.records()))
		}
	})
}

func TestRecordsCanNotBeChangedInTheDatabase(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		d.must(d.append(d.entry()))
		for _, statement := range []string{`UPDATE disclosures SET items = 0`, `DELETE FROM disclosures`} {
			err := d.db.Transact(t.Context(), func(tx sqldb.Tx) error {
				_, err := tx.ExecContext(t.Context(), statement)
				return err
			})
			if err == nil {
				t.Errorf("the database took %q", statement)
			}
		}
		if len(d.records()) != 1 {
			t.Error("the record is gone")
		}
	})
}

func TestSequenceGrowsAndIdsAreTakenOnce(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open, nil)
		for want := int64(1); want <= 3; want++ {
			seq, _, err := d.log.Append(t.Context(), disclosure.ID(fmt.Sprintf("dis_%d", want)), d.entry())
			if err != nil || seq != want {
				t.Errorf("Append = %d, %v, want %d", seq, err, want)
			}
		}
		if _, _, err := d.log.Append(t.Context(), "dis_1", d.entry()); err == nil {
			t.Error("an id was taken twice")
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	d := newDesk(b, sqldbtest.SQLite, nil)
	e := d.entry()
	for b.Loop() {
		d.must(d.append(e))
	}
}

func BenchmarkUsage(b *testing.B) {
	d := newDesk(b, sqldbtest.SQLite, nil)
	d.must(d.append(d.entry()))
	for b.Loop() {
		if _, err := d.log.Usage(b.Context(), d.id, consent.DayOf(noon)); err != nil {
			b.Fatal(err)
		}
	}
}
