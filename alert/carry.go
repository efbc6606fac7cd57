package alert

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sluice/bank"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/mutant"
	"sluice/seal"
)

const (
	// lease is longer than any try to tell a bank takes: nobody else tells it
	// meanwhile, and after a crash somebody does then.
	lease = 30 * time.Second
	// whileCalled is how long the partner's call waits for the bank to take an
	// answer; within the call's time, which looking at the alert used some of.
	whileCalled = 4 * time.Second
	// atOnce is how many answers are carried at once by one desk.
	atOnce = 32
	// persevere is for how long a bank is told that does not take an answer.
	persevere = 7 * 24 * time.Hour
)

// errEnd means that an answer came to an end without the bank.
var errEnd = errors.New("the bank has it not, and is not told again")

// errSealed means that a confirmation can't be read: the keys are others.
var errSealed = errors.New("the confirmation does not open")

// keep makes an answer durable, and only then tells the bank.
func (d *Desk) keep(ctx context.Context, g given, shown *datav1.FraudAlert) (status datav1.AlertStatus, changed bool, err error) {
	a := Answer{
		ID: newID(), Subject: g.subject, Consent: g.grant.ID(), Revision: g.grant.Revision(), Partner: g.grant.Partner(),
		Customer: g.grant.Customer(), Choice: g.choice, State: Kept,
	}
	a.Hash, a.Sealed = hashOf(a.ID, g.choice, g.confirmation), d.Sealer.Seal(binding(a), g.confirmation)
	if shown.GetExpiresAt() != nil {
		a.Expiry = shown.GetExpiresAt().AsTime()
	}
	kept, first, err := d.Store.Keep(ctx, a, g.grant, lease)
	switch {
	case errors.Is(err, ErrGrantChanged):
		return 0, true, nil
	case err != nil:
		return 0, false, unavailable(err)
	case !first:
		status, err := again(kept, g)
		return status, false, err
	}
	// The caller may go away; what is begun is ended all the same.
	now, cancel := context.WithTimeout(context.WithoutCancel(ctx), whileCalled)
	defer cancel()
	if carried, err := d.carry(now, kept); err == nil {
		kept = carried
	} // else it stays kept, and is carried later
	status, err = again(kept, g)
	return status, false, err
}

// binding ties a confirmation to its answer, and so the answer's parts to each
// other: a row that somebody changed is not carried.
func binding(a Answer) seal.Binding {
	return seal.Binding{
		"alert answer", string(a.ID), string(a.Subject.Bank), string(a.Subject.Account), a.Subject.Alert,
		string(a.Partner), string(a.Customer), a.Choice.String(),
	}
}

// Carry tells banks the answers that are due and says how many it tried, and
// which of them were not taken, for the operator. What may yet be taken is tried
// again later, by whoever is first.
func (d *Desk) Carry(ctx context.Context) (int, error) {
	due, err := d.Store.Due(ctx, atOnce, lease)
	if err != nil {
		return 0, fmt.Errorf("find answers to carry: %w", err)
	}
	if len(due) == atOnce {
		d.wake()
	}
	var wait sync.WaitGroup
	errs := make([]error, len(due))
	for i, a := range due {
		wait.Go(func() {
			if a, errs[i] = d.carry(ctx, a); errs[i] == nil && a.State != Taken {
				errs[i] = fmt.Errorf("carry answer %s to bank %s: %w: %s", a.ID, a.Subject.Bank, errEnd, a.State)
			}
		})
	}
	wait.Wait()
	return len(due), errors.Join(errs...)
}

// Due has a word when an answer that this desk knows of has become due, or there
// were more than one Carry takes. Others' are found by looking now and then.
func (d *Desk) Due() <-chan struct{} { return d.due }

func (d *Desk) wake() {
	select {
	case d.due <- struct{}{}:
	default: // it is known already
	}
}

// carry tells the bank an answer once, and notes what the bank said. Where the
// note fails, the bank is told again later and knows the answer.
func (d *Desk) carry(ctx context.Context, a Answer) (Answer, error) {
	status, told := d.tell(ctx, a)
	ctx = context.WithoutCancel(ctx) // what the bank said is worth noting
	switch {
	case told == nil:
		a.State, a.Status = Taken, status
	case errors.Is(told, bank.ErrNotTaken):
		a.State = NotTaken
	case d.Now().Sub(a.KeptAt) > persevere:
		a.State = Abandoned
	default:
		told = fmt.Errorf("carry answer %s: %w", a.ID, told)
		wait := pause(a.Attempts)
		if err := d.Store.Postpone(ctx, a.ID, wait); err != nil {
			return a, errors.Join(told, err)
		}
		time.AfterFunc(wait, d.wake)
		return a, told
	}
	if err := d.Store.Settle(ctx, a.ID, a.State, a.Status); err != nil {
		return a, fmt.Errorf("carry answer %s: %w", a.ID, err)
	}
	return a, nil
}

func (d *Desk) tell(ctx context.Context, a Answer) (datav1.AlertStatus, error) {
	confirmation, err := d.Sealer.Open(binding(a), a.Sealed)
	if err != nil || len(confirmation) != 1 {
		return 0, errors.Join(errSealed, err)
	}
	if mutant.Is(mutant.AnswerRenamed) {
		a.ID = newID()
	}
	source, err := d.Banks.Source(ctx, a.Subject.Bank)
	if err != nil {
		return 0, fmt.Errorf("find bank: %w", err)
	}
	status, err := source.AnswerAlert(ctx, bank.AlertAnswer{
		ID: string(a.ID), Customer: a.Customer, Account: a.Subject.Account, Alert: a.Subject.Alert, Choice: a.Choice,
		Partner: a.Partner, Confirmation: confirmation[0],
	})
	if err != nil {
		return 0, fmt.Errorf("tell bank %s: %w", a.Subject.Bank, err)
	}
	if _, known := datav1.AlertStatus_name[int32(status)]; !known || status <= datav1.AlertStatus_ALERT_STATUS_OPEN {
		status = datav1.AlertStatus_ALERT_STATUS_ANSWERED // the bank took it, whatever else it says
	}
	return status, nil
}

// pause is how long to wait after so many attempts.
func pause(attempts int) time.Duration {
	steps := [...]time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	return steps[min(max(attempts, 1), len(steps))-1]
}
