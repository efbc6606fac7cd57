package gateway_test

import (
	"errors"
	"testing"
	"time"

	"sluice/consent/barrier"
	"sluice/disclosure"
	"sluice/refusal"
)

// remember makes the cache keep the present grant from now on.
func (w *world) remember() {
	w.t.Helper()
	c, err := w.store.Get(w.t.Context(), w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	g := c.Grant()
	w.remembered = &g
}

func TestOnlyTheTruthRefuses(t *testing.T) {
	w := newWorld(t)
	if _, err := w.book.Pause(t.Context(), w.customer(), w.id, 0); err != nil {
		t.Fatal(err)
	}
	w.remember() // paused
	if _, err := w.gate.Release(t.Context(), w.ask()); refusal.ReasonOf(err) != refusal.ConsentPaused || w.newest != 1 {
		t.Errorf("Release = %v after %d readings of the truth, want CONSENT_PAUSED after one", err, w.newest)
	}
	if _, err := w.book.Resume(t.Context(), w.customer(), w.id, 0); err != nil {
		t.Fatal(err)
	}
	released, err := w.gate.Release(t.Context(), w.ask())
	if err != nil || !released.Receipt().Valid() {
		t.Errorf("Release = %v under a grant that is live again, and paused in the cache", err)
	}
	released.Sent()
}

func TestAGrantThatIsOldInTheCacheCostsASecondWalkAndNoMore(t *testing.T) {
	w := newWorld(t)
	w.remember()
	if _, err := w.book.WithdrawAccount(t.Context(), w.customer(), w.id, 0, "A2"); err != nil {
		t.Fatal(err)
	}
	released, err := w.gate.Release(t.Context(), w.ask())
	if err != nil || len(w.records) != 1 || len(w.records[0].Accounts) != 1 {
		t.Errorf("Release = %v with records %v, want one of one account", err, w.records)
	}
	released.Sent()
	if _, err := w.book.Revoke(t.Context(), w.customer(), w.id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.gate.Release(t.Context(), w.ask()); refusal.ReasonOf(err) != refusal.ConsentRevoked || len(w.records) != 1 {
		t.Errorf("Release = %v with %d records, want CONSENT_REVOKED and no more", err, len(w.records))
	}
}

func TestAnAnswerThatIsTooOldIsWithheldAndItsRecordSaysSo(t *testing.T) {
	w := newWorld(t)
	w.onRecord = func() { w.clock.Add(int64(barrier.HandOffLimit + 1)) }
	released, err := w.gate.Release(t.Context(), w.ask())
	if refusal.ReasonOf(err) != refusal.GrantChanged || len(released.Encoded()) != 0 {
		t.Errorf("Release = %d bytes, %v, want GRANT_CHANGED", len(released.Encoded()), err)
	}
	if len(w.records) != 2 || len(w.outcomes) != 2 || w.outcomes[0] != disclosure.Withheld {
		t.Errorf("%d records with outcomes %v, want two that were withheld", len(w.records), w.outcomes)
	}
}

func TestAChangeBetweenRecordAndHandOffWins(t *testing.T) {
	w := newWorld(t)
	once := false
	w.onRecord = func() {
		if once {
			return
		}
		once = true
		if _, err := w.book.WithdrawAccount(t.Context(), w.customer(), w.id, 0, "A2"); err != nil {
			t.Error(err)
		}
		if err := w.gates.Drain(t.Context(), w.id, 3); err != nil {
			t.Error(err)
		}
	}
	released, err := w.gate.Release(t.Context(), w.ask())
	if err != nil || len(w.records) != 2 || w.records[1].Grant.Revision() != 3 {
		t.Errorf("Release = %v with %d records, want the second under revision 3", err, len(w.records))
	}
	if len(w.outcomes) != 1 || w.outcomes[0] != disclosure.Withheld {
		t.Errorf("outcomes %v, want the first withheld", w.outcomes)
	}
	released.Sent()
}

func TestAnAnswerIsOnItsWayUntilItWasSent(t *testing.T) {
	w := newWorld(t)
	released, err := w.gate.Release(t.Context(), w.ask())
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- w.gates.Drain(t.Context(), w.id, 3) }()
	select {
	case <-drained:
		t.Error("drained before the answer was sent")
	case <-time.After(20 * time.Millisecond):
	}
	w.clock.Add(int64(barrier.Margin + 1)) // as if the process had been stopped here
	released.Sent()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if len(w.outcomes) != 1 || w.outcomes[0] != disclosure.Late {
		t.Errorf("outcomes %v, want LATE", w.outcomes)
	}
}

func TestARefusalByTheBankIsNotAskedForTwice(t *testing.T) {
	w := newWorld(t)
	w.remember()
	w.bank.Fail(errors.New("busy"))
	if _, err := w.gate.Release(t.Context(), w.ask()); refusal.ReasonOf(err) != refusal.BankUnavailable || len(w.bank.Requests()) != 1 {
		t.Errorf("Release = %v after %d requests to the bank", err, len(w.bank.Requests()))
	}
}
