package alertdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/alert"
	"sluice/alert/alertdb"
	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/registry"
	"sluice/registry/registrydb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const lease = 30 * time.Second

// desk is a store with a live consent, and the hands that change what it rests on.
type desk struct {
	t        testing.TB
	db       *sqldb.DB
	store    *alertdb.Store
	book     *consent.Book
	registry *registrydb.Store
	now      atomic.Int64 // milliseconds
	id       consent.ID
}

func newDesk(t testing.TB, open sqldbtest.Open) *desk { return newDeskAt(t, open, noon, false) }

func newDeskAt(t testing.TB, open sqldbtest.Open, at time.Time, oneTime bool) *desk {
	t.Helper()
	db := open(t)
	d := &desk{t: t, db: db, registry: registrydb.New(db)}
	d.now.Store(at.UnixMilli())
	d.store = alertdb.NewWithClock(db, d.clock)
	d.book = consent.NewBook(grantdb.New(db), consenttest.NewBarrier(), d.clock)
	d.must(d.registry.PutPartner(t.Context(), registry.Partner{ID: "messenger", Name: "Messenger", Standing: registry.Active}))
	d.must(d.registry.PutBank(t.Context(), registry.Bank{ID: "morava", Name: "Banka Morava", Standing: registry.Active}))
	terms := consent.Terms{
		Clusters: consent.ClustersOf(consent.FraudAlerts), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		PurposeText: "to ask", ValidUntil: at.AddDate(0, 1, 0), OneTime: oneTime,
	}
	asked, err := d.book.Request(t.Context(), "messenger", "morava", terms)
	d.must(err)
	d.id = asked.ID
	_, err = d.book.Authorize(t.Context(), d.customer(), d.id, 0, consent.Choice{Shares: []consent.Share{{Account: "A1", Clusters: terms.Clusters}}})
	d.must(err)
	return d
}

func (d *desk) clock() time.Time { return time.UnixMilli(d.now.Load()).UTC() }
func (d *desk) customer() consent.ByCustomer {
	return consent.ByCustomer{Bank: "morava", Customer: "one"}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) grant() consent.Grant {
	d.t.Helper()
	g, _, err := grantdb.New(d.db).Load(d.t.Context(), d.id)
	d.must(err)
	return g
}

// answer is one to an alert of A1.
func answer(id alert.ID, of string) alert.Answer {
	return alert.Answer{
		ID: id, Subject: alert.Subject{Bank: "morava", Account: "A1", Alert: of}, Partner: "messenger", Customer: "one",
		Choice: datav1.AlertChoice_ALERT_CHOICE_NOT_ME, Hash: [32]byte{1, 2, 255}, Sealed: "sealed", Expiry: noon.Add(time.Hour), State: alert.Kept,
	}
}

func (d *desk) keep(a alert.Answer, g consent.Grant) (alert.Answer, bool, error) {
	return d.store.Keep(d.t.Context(), a, g, lease)
}

func TestAnAnswerIsReadBackWholeAndOnlyOnceKept(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open)
		want := answer("ans_1", "W1")
		want.Consent, want.Revision = d.id, d.grant().Revision()
		kept, first, err := d.keep(want, d.grant())
		if err != nil || !first {
			t.Fatalf("Keep = %t, %v", first, err)
		}
		want.Attempts, want.KeptAt = 1, noon
		got, found, err := d.store.Find(t.Context(), want.Subject)
		if err != nil || !found {
			t.Fatalf("Find = %t, %v", found, err)
		}
		if diff := cmp.Diff([]alert.Answer{want, want}, []alert.Answer{kept, got}); diff != "" {
			t.Errorf("kept and found (-want +got):\n%s", diff)
		}
		again, first, err := d.keep(answer("ans_2", "W1"), d.grant())
		if err != nil || first || cmp.Diff(want, again) != "" {
			t.Errorf("the second Keep = %+v, %t, %v; want the first", again, first, err)
		}
		for _, other := range []alert.Subject{{Bank: "odra", Account: "A1", Alert: "W1"}, {Bank: "morava", Account: "A2", Alert: "W1"}, {Bank: "morava", Account: "A1", Alert: "W2"}} {
			if _, found, err := d.store.Find(t.Context(), other); err != nil || found {
				t.Errorf("Find %v = %t, %v", other, found, err)
			}
		}
	})
}

func TestNothingIsKeptUnderAGrantThatIsNotSoAnyMore(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open)
		before := d.grant()
		for i, step := range []struct {
			name string
			do   func() error
		}{
			{"paused", func() error { _, err := d.book.Pause(t.Context(), d.customer(), d.id, 0); return err }},
			{"resumed, and so another revision", func() error { _, err := d.book.Resume(t.Context(), d.customer(), d.id, 0); return err }},
			{"the partner is suspended", func() error {
				before = d.grant()
				_, err := d.registry.SetPartnerStanding(t.Context(), "messenger", registry.Suspended)
				return err
			}},
			{"the bank is suspended", func() error {
				_, err := d.registry.SetPartnerStanding(t.Context(), "messenger", registry.Active)
				d.must(err)
				_, err = d.registry.SetBankStanding(t.Context(), "morava", registry.Suspended)
				return err
			}},
			{"the alert has expired", func() error {
				_, err := d.registry.SetBankStanding(t.Context(), "morava", registry.Active)
				d.now.Store(noon.Add(time.Hour).UnixMilli())
				return err
			}},
			{"the consent has ended", func() error { d.now.Store(noon.AddDate(0, 1, 0).UnixMilli()); return nil }},
			{"revoked", func() error {
				d.now.Store(noon.UnixMilli())
				_, err := d.book.Revoke(t.Context(), d.customer(), d.id)
				return err
			}},
		} {
			d.must(step.do())
			a := answer(alert.ID(fmt.Sprint("ans_", i)), "W1")
			if step.name == "the consent has ended" {
				a.Expiry = time.Time{}
			}
			if _, _, err := d.keep(a, before); !errors.Is(err, alert.ErrGrantChanged) {
				t.Errorf("%s: Keep = %v, want ErrGrantChanged", step.name, err)
			}
			if step.name == "the alert has expired" {
				d.now.Store(noon.UnixMilli())
				if _, first, err := d.keep(answer("ans_ok", "W2"), before); err != nil || !first {
					t.Errorf("in good time: %t, %v", first, err)
				}
			}
		}
	})
}

func TestAOneTimeConsentTakesAnswersInItsSittingOnly(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDeskAt(t, open, noon, true)
		g := d.grant()
		log := logdb.NewWithClock(d.db, "boot_1", d.clock)
		t.Cleanup(log.Close)
		if _, _, err := log.Append(t.Context(), disclosure.NewID(), disclosure.Entry{
			Grant: g, Method: "m", Accounts: []consent.AccountID{"A1"}, Clusters: consent.ClustersOf(consent.FraudAlerts),
			Purpose: g.Purpose(), Items: 1, PolicyRevision: "p", RequestID: "r",
		}); err != nil {
			t.Fatal(err)
		}
		d.now.Add((disclosure.OneTimeSitting - time.Second).Milliseconds())
		if _, first, err := d.keep(answer("ans_1", "W1"), g); err != nil || !first {
			t.Errorf("in the sitting: %t, %v", first, err)
		}
		d.now.Add(time.Second.Milliseconds())
		if _, _, err := d.keep(answer("ans_2", "W2"), g); !errors.Is(err, alert.ErrGrantChanged) {
			t.Errorf("after the sitting: %v", err)
		}
	})
}

func TestOfManyAnswersToAnAlertOneIsKept(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open)
		g := d.grant()
		for round := range 5 {
			var (
				wait  sync.WaitGroup
				first atomic.Int64
				ids   [8]alert.ID
			)
			for i := range ids {
				wait.Go(func() {
					kept, won, err := alertdb.NewWithClock(d.db, d.clock).Keep(t.Context(), answer(alert.ID(fmt.Sprint("ans_", round, i)), fmt.Sprint("W", round)), g, lease)
					if err != nil {
						t.Error(err)
					}
					if won {
						first.Add(1)
					}
					ids[i] = kept.ID
				})
			}
			wait.Wait()
			for _, id := range ids {
				if first.Load() != 1 || id != ids[0] {
					t.Fatalf("%d were first, and all have %v", first.Load(), ids)
				}
			}
		}
	})
}

// slowPostgres makes the time between an answer's insertion and its commit long,
// where whoever does not hold the grant is overtaken.
func slowPostgres(t testing.TB) *sqldb.DB {
	return sqldbtest.PostgresWith(t, `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN PERFORM pg_sleep(0.02 + 0.03 * random()); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON alert_answers
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
}

// A revoke and the answers before it are in one order: what is kept when it
// returns is all that ever will be.
func TestNoAnswerIsKeptAfterARevokeReturned(t *testing.T) {
	for name, open := range map[string]sqldbtest.Open{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres, "postgres with slow commits": slowPostgres} {
		t.Run(name, func(t *testing.T) {
			if name != "sqlite" {
				sqldbtest.URL(t)
			}
			for range 3 {
				d := newDesk(t, open)
				stop := d.hammer(4)
				if _, err := d.book.Revoke(t.Context(), d.customer(), d.id); err != nil {
					t.Error(err)
				}
				then := d.count()
				stop()
				if now := d.count(); now != then || then == 0 {
					t.Fatalf("%d answers when the revoke returned, %d later", then, now)
				}
			}
		})
	}
}

// hammer keeps answers from several replicas at once for as long as it works; it
// returns when some are kept.
func (d *desk) hammer(replicas int) (wait func()) {
	d.t.Helper()
	g := d.grant()
	var (
		all   sync.WaitGroup
		begun = make(chan struct{})
		once  sync.Once
	)
	for i := range replicas {
		all.Go(func() {
			defer once.Do(func() { close(begun) })
			for n := range 10_000 {
				of := fmt.Sprint(i, "_", n)
				ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Second)
				_, _, err := d.store.Keep(ctx, answer(alert.ID("ans_"+of), "W"+of), g, lease)
				cancel()
				if errors.Is(err, alert.ErrGrantChanged) {
					return
				}
				if n == 2 {
					once.Do(func() { close(begun) })
				}
			}
			d.t.Error("the revoke was never heard of")
		})
	}
	<-begun
	return all.Wait
}

func (d *desk) count() int {
	d.t.Helper()
	var n int
	d.must(d.db.Reader().QueryRowContext(d.t.Context(), `SELECT count(*) FROM alert_answers`).Scan(&n))
	return n
}

func TestWhatIsDueIsTakenByOne(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open)
		const n = 20
		for i := range n {
			if _, _, err := d.keep(answer(alert.ID(fmt.Sprint("ans_", i)), fmt.Sprint("W", i)), d.grant()); err != nil {
				t.Fatal(err)
			}
		}
		due := func() []alert.Answer {
			out, err := d.store.Due(t.Context(), 3, lease)
			if err != nil {
				t.Error(err)
			}
			return out
		}
		if got := due(); len(got) != 0 {
			t.Fatalf("%d are due while their callers tell the bank", len(got))
		}
		d.now.Add(lease.Milliseconds())
		var (
			wait  sync.WaitGroup
			mu    sync.Mutex
			taken = map[alert.ID]int{}
		)
		for range 4 {
			wait.Go(func() {
				for range n { // and not for ever, if all stay due
					got := due()
					mu.Lock()
					for _, a := range got {
						taken[a.ID]++
						if a.Attempts != 2 || a.Sealed != "sealed" {
							t.Errorf("taken as %+v", a)
						}
					}
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		for i := range n {
			if id := alert.ID(fmt.Sprint("ans_", i)); taken[id] != 1 {
				t.Errorf("%s was taken %d times", id, taken[id])
			}
		}
	})
}

func TestAnEndIsAnEnd(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDesk(t, open)
		for i, end := range []alert.State{alert.Taken, alert.NotTaken, alert.Abandoned} {
			id, of := alert.ID(fmt.Sprint("ans_", i)), fmt.Sprint("W", i)
			if _, _, err := d.keep(answer(id, of), d.grant()); err != nil {
				t.Fatal(err)
			}
			d.must(d.store.Settle(t.Context(), id, end, datav1.AlertStatus_ALERT_STATUS_RESOLVED))
			for _, later := range []alert.State{alert.Taken, alert.NotTaken, alert.Abandoned} {
				d.must(d.store.Settle(t.Context(), id, later, datav1.AlertStatus_ALERT_STATUS_ANSWERED))
			}
			d.must(d.store.Postpone(t.Context(), id, -time.Hour))
			got, _, err := d.store.Find(t.Context(), alert.Subject{Bank: "morava", Account: "A1", Alert: of})
			if err != nil || got.State != end || got.Status != datav1.AlertStatus_ALERT_STATUS_RESOLVED || got.Sealed != "" {
				t.Errorf("%v: found %+v, %v", end, got, err)
			}
		}
		d.now.Add((24 * time.Hour).Milliseconds())
		if got, err := d.store.Due(t.Context(), 10, lease); err != nil || len(got) != 0 {
			t.Errorf("due at an end: %v, %v", got, err)
		}
	})
}

// The database's clock decides, where no other is given.
func TestTheDatabasesClockIsRead(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		d := newDeskAt(t, open, time.Now(), false)
		s := alertdb.New(d.db)
		late, fit := answer("ans_1", "W1"), answer("ans_2", "W2")
		late.Expiry, fit.Expiry = time.Now().Add(-time.Second), time.Now().Add(time.Hour)
		if _, _, err := s.Keep(t.Context(), late, d.grant(), 0); !errors.Is(err, alert.ErrGrantChanged) {
			t.Errorf("an expired alert's answer: %v", err)
		}
		if _, first, err := s.Keep(t.Context(), fit, d.grant(), 0); err != nil || !first {
			t.Fatalf("Keep = %t, %v", first, err)
		}
		got, err := s.Due(t.Context(), 10, lease)
		if err != nil || len(got) != 1 {
			t.Fatalf("due are %v, %v", got, err)
		}
		if got, err := s.Due(t.Context(), 10, lease); err != nil || len(got) != 0 {
			t.Errorf("due again are %v, %v", got, err)
		}
	})
}
