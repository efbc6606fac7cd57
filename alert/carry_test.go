package alert_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/alert"
	"sluice/bank"
	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/refusal"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

const lease = 30 * time.Second

// deaf is a bank whose answers to answers get lost after it took them.
type deaf struct {
	bank.Source
	lose atomic.Int64
}

func (d *deaf) AnswerAlert(ctx context.Context, a bank.AlertAnswer) (datav1.AlertStatus, error) {
	now, err := d.Source.AnswerAlert(ctx, a)
	if d.lose.Add(-1) >= 0 {
		return 0, bank.ErrUnavailable
	}
	return now, err
}

type directory func() bank.Source

func (d directory) Source(context.Context, consent.BankID) (bank.Source, error) { return d(), nil }

// dying is a store of a process that dies before it can note what the bank said.
type dying struct{ alert.Store }

func (dying) Settle(context.Context, alert.ID, alert.State, datav1.AlertStatus) error { return errAway }

func (dying) Postpone(context.Context, alert.ID, time.Duration) error { return errAway }

func carried(t *testing.T, d *alert.Desk, want int) {
	t.Helper()
	if n, err := d.Carry(t.Context()); err != nil || n != want {
		t.Fatalf("Carry = %d, %v; want %d", n, err, want)
	}
}

func TestABankThatIsAwayGetsTheAnswerLater(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
		for range 2 {
			if status, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); err != nil || status != answered {
				t.Fatalf("Answer = %v, %v", status, err)
			}
		}
		later := w.desk() // a process that knows nothing of the call
		carried(t, later, 0)
		for i, pause := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
			w.pass(pause - time.Millisecond)
			carried(t, later, 0)
			w.pass(time.Millisecond)
			if n, err := later.Carry(t.Context()); n != 1 || !errors.Is(err, bank.ErrUnavailable) {
				t.Fatalf("try %d: Carry = %d, %v", i+2, n, err)
			}
		}
		w.bank.Take(nil)
		w.pass(10 * time.Minute)
		carried(t, later, 1)
		w.pass(24 * time.Hour)
		carried(t, later, 0)
		first := w.bank.Told()[0]
		for _, told := range w.bank.Told() {
			if told != first {
				t.Errorf("told %v, and first %v", told, first)
			}
		}
		if w.bank.Taken() != 1 {
			t.Errorf("taken %d times", w.bank.Taken())
		}
	})
}

// The process dies when the bank has the answer and nobody has noted it; or
// before the bank was told.
func TestAfterACrashTheBankIsToldTheSameAnswerAgain(t *testing.T) {
	for name, reached := range map[string]bool{"the bank had it": true, "the bank had it not": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				if !reached {
					w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
				}
				dead := w.desk(func(c *alert.Config) { c.Store = dying{w.store()} })
				if status, err := dead.Answer(t.Context(), w.says("messenger", notMe)); err != nil || status != answered {
					t.Fatalf("Answer = %v, %v", status, err)
				}
				w.bank.Take(nil)
				w.pass(lease - time.Millisecond)
				carried(t, w.desk(), 0) // the other process may yet live
				w.pass(time.Millisecond)
				carried(t, w.desk(), 1)
				told := w.bank.Told()
				if len(told) != 2 || told[0] != told[1] || w.bank.Taken() != 1 {
					t.Errorf("told %v, taken %d times", told, w.bank.Taken())
				}
				if a, _ := w.kept(); a.State != alert.Taken {
					t.Errorf("kept as %v", a.State)
				}
			})
		})
	}
}

func TestALostAnswerOfTheBankIsAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := &deaf{Source: w.bank}
		d.lose.Store(2)
		desk := w.desk(func(c *alert.Config) { c.Banks = directory(func() bank.Source { return d }) })
		if _, err := desk.Answer(t.Context(), w.says("messenger", notMe)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w.pass(5 * time.Second)
			_, _ = desk.Carry(t.Context()) // fails once more
		}
		if a, _ := w.kept(); a.State != alert.Taken || len(w.bank.Told()) != 3 || w.bank.Taken() != 1 {
			t.Errorf("kept as %v, told %d times, taken %d", a.State, len(w.bank.Told()), w.bank.Taken())
		}
	})
}

func TestWhatTheBankRefusesForGoodIsNotToldAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrNotTaken })
		for range 2 {
			if status, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); status != 0 || refusal.ReasonOf(err) != refusal.ChangeNotPossible {
				t.Errorf("Answer = %v, %v", status, err)
			}
		}
		w.pass(time.Hour)
		carried(t, w.desk(), 0)
		if a, _ := w.kept(); a.State != alert.NotTaken || len(w.bank.Told()) != 1 {
			t.Errorf("kept as %v, told %d times", a.State, len(w.bank.Told()))
		}
	})
}

func TestABankIsNotToldForEver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); err != nil {
			t.Fatal(err)
		}
		w.pass(7*24*time.Hour + time.Second)
		if n, err := w.desk().Carry(t.Context()); n != 1 || err == nil {
			t.Errorf("Carry = %d, %v; nobody hears that it was given up", n, err)
		}
		w.pass(time.Hour)
		carried(t, w.desk(), 0)
		if a, _ := w.kept(); a.State != alert.Abandoned || a.Sealed != "" {
			t.Errorf("kept as %v", a.State)
		}
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); refusal.ReasonOf(err) != refusal.BankUnavailable {
			t.Errorf("Answer = %v", err)
		}
	})
}

// The customer gave the answer while the consent was live.
func TestAnAnswerThatWasKeptIsCarriedAfterARevoke(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", notMe)); err != nil {
			t.Fatal(err)
		}
		_, err := w.book.Revoke(t.Context(), w.customer(), w.consents["messenger"])
		w.must(err)
		w.bank.Take(nil)
		w.pass(time.Second)
		carried(t, w.desk(), 1)
		if w.bank.Taken() != 1 {
			t.Errorf("taken %d times", w.bank.Taken())
		}
	})
}

// A row that somebody changed in the database is nobody's answer.
func TestAChangedRowIsNotCarried(t *testing.T) {
	w := newWorld(t, sqldbtest.SQLite)
	w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
	if _, err := w.desk().Answer(t.Context(), w.says("messenger", notMe)); err != nil {
		t.Fatal(err)
	}
	w.must(w.db.Transact(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE alert_answers SET choice = $1`, int64(wasMe))
		return err
	}))
	w.bank.Take(nil)
	w.pass(time.Second)
	if _, err := w.desk().Carry(t.Context()); err == nil || w.bank.Taken() != 0 {
		t.Errorf("Carry = %v, taken %d times", err, w.bank.Taken())
	}
}

type winner struct {
	partner consent.PartnerID
	choice  datav1.AlertChoice
}

// Replicas answer and carry at the same time, through two partners, over a bank
// that loses answers: one of all takes effect, once, and all are told the same.
func TestOfManyAnswersAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := &deaf{Source: w.bank}
		d.lose.Store(1)
		var (
			wait sync.WaitGroup
			mu   sync.Mutex
			won  = map[winner]int{}
		)
		for _, p := range []consent.PartnerID{"messenger", "wallet"} {
			for _, c := range []datav1.AlertChoice{wasMe, notMe} {
				for range 3 {
					desk := w.desk(func(c *alert.Config) { c.Banks = directory(func() bank.Source { return d }) })
					wait.Go(func() {
						q := w.says(p, c)
						status, err := desk.Answer(t.Context(), q)
						switch {
						case err == nil && status == answered:
							mu.Lock()
							defer mu.Unlock()
							won[winner{p, c}]++
						case refusal.ReasonOf(err) != refusal.ChangeNotPossible:
							t.Errorf("Answer = %v, %v", status, err)
						}
						_, _ = desk.Carry(t.Context())
					})
				}
			}
		}
		wait.Wait()
		w.pass(lease)
		_, _ = w.desk().Carry(t.Context())
		if a, _ := w.kept(); len(won) != 1 || w.bank.Taken() != 1 || a.State != alert.Taken {
			t.Fatalf("won %v, taken %d times, kept as %v", won, w.bank.Taken(), a.State)
		}
		for q, n := range won {
			if told := w.bank.Told()[0]; n != 3 || told.Partner != q.partner || told.Choice != q.choice {
				t.Errorf("%v won %d times, and the bank was told %v", q, n, told)
			}
		}
	})
}

// hungUp is a bank during whose call the partner's caller goes away.
type hungUp struct {
	bank.Source
	hang func()
}

func (h hungUp) AnswerAlert(ctx context.Context, a bank.AlertAnswer) (datav1.AlertStatus, error) {
	h.hang()
	if ctx.Err() != nil {
		return 0, bank.ErrUnavailable
	}
	return h.Source.AnswerAlert(ctx, a)
}

func TestACallerThatGoesAwayDoesNotStopTheTelling(t *testing.T) {
	w := newWorld(t, sqldbtest.SQLite)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	desk := w.desk(func(c *alert.Config) {
		c.Banks = directory(func() bank.Source { return hungUp{w.bank, leave} })
	})
	_, _ = desk.Answer(ctx, w.says("messenger", notMe)) // nobody hears what it says
	if a, _ := w.kept(); a.State != alert.Taken || w.bank.Taken() != 1 {
		t.Errorf("kept as %v, taken %d times", a.State, w.bank.Taken())
	}
}
