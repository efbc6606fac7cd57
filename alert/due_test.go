package alert_test

import (
	"context"
	"testing"
	"time"

	"sluice/alert"
	"sluice/bank"
	datav1 "sluice/gen/sluice/data/v1"
)

// word waits until the desk says that something is due.
func word(t *testing.T, d *alert.Desk) {
	t.Helper()
	select {
	case <-d.Due():
	case <-time.After(5 * time.Second):
		t.Fatal("the desk says nothing of what is due")
	}
}

func TestTheDeskSaysWhenAnAnswerThatWaitsIsDue(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
		d := w.desk()
		if _, err := d.Answer(t.Context(), w.says("messenger", wasMe)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-d.Due():
			t.Error("it is due before it is to be tried again")
		default:
		}
		w.bank.Take(nil)
		w.pass(time.Second)
		word(t, d)
		carried(t, d, 1)
	})
}

// crowded always has as many answers as are asked for, none of which opens.
type crowded struct{ alert.Store }

func (crowded) Due(_ context.Context, limit int, _ time.Duration) ([]alert.Answer, error) {
	return make([]alert.Answer, limit), nil
}

func (crowded) Postpone(context.Context, alert.ID, time.Duration) error { return nil }

func (crowded) Settle(context.Context, alert.ID, alert.State, datav1.AlertStatus) error { return nil }

func TestWhatOneRoundDoesNotTakeIsDueAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.desk(func(c *alert.Config) { c.Store = crowded{w.store()} })
		if n, err := d.Carry(t.Context()); n == 0 || err == nil {
			t.Fatalf("Carry = %d, %v; want answers that end without the bank", n, err)
		}
		word(t, d)
	})
}
