package samplebank

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// The source has days only; on its day a transaction is entered at noon, and
// booked in the evening.
const (
	entered = 12 * time.Hour
	booked  = 18 * time.Hour
)

// pendingEvent is a transaction on its way: nobody has booked it yet, so that it
// has no balance and no value date.
func (b *Bank) pendingEvent(a *account, t transaction) *bankv1.FeedEvent {
	pending := t.transaction(a, b.rolled())
	pending.Status = datav1.TransactionStatus_TRANSACTION_STATUS_PENDING
	pending.ValueDate, pending.BalanceAfter = nil, nil
	return b.event(a, t, entered, &bankv1.FeedEvent{What: &bankv1.FeedEvent_TransactionPosted{TransactionPosted: pending}})
}

// bookedEvents are a transaction that is final, as ListTransactions has it, and
// the balances that it leaves.
func (b *Bank) bookedEvents(a *account, t transaction) []*bankv1.FeedEvent {
	final := t.transaction(a, b.rolled())
	first := &bankv1.FeedEvent{What: &bankv1.FeedEvent_TransactionChanged{TransactionChanged: final}}
	if t.atOnce() {
		first.What = &bankv1.FeedEvent_TransactionPosted{TransactionPosted: final}
	}
	at := b.moment(t, booked)
	return []*bankv1.FeedEvent{
		b.event(a, t, booked, first),
		b.event(a, t, booked, &bankv1.FeedEvent{What: &bankv1.FeedEvent_BalanceChanged{BalanceChanged: &bankv1.BalanceChanged{
			Balances: []*datav1.Balance{
				{Type: datav1.BalanceType_BALANCE_TYPE_CLOSING_BOOKED, Amount: t.balance.money(a.currency), AsOf: at},
				{Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_AVAILABLE, Amount: max(0, t.balance).money(a.currency), AsOf: at},
			},
		}}}),
	}
}

// raisedEvent is the alert that a transaction raised, open as it was then; nil if
// it raised none.
func (b *Bank) raisedEvent(a *account, i int) *bankv1.FeedEvent {
	alert := b.alertOf(a, i)
	if alert == nil {
		return nil
	}
	alert.Status, alert.Outcome = datav1.AlertStatus_ALERT_STATUS_OPEN, datav1.AlertOutcome_ALERT_OUTCOME_UNSPECIFIED
	return b.event(a, a.transactions[i], entered, &bankv1.FeedEvent{What: &bankv1.FeedEvent_FraudAlertRaised{FraudAlertRaised: alert}})
}

// resolvedEvent is what came of an alert.
func (b *Bank) resolvedEvent(account, id string) (*bankv1.FeedEvent, error) {
	for _, alert := range b.alertsOf(b.data.accounts[account]) {
		if alert.GetAlertId() == id && alert.GetStatus() == datav1.AlertStatus_ALERT_STATUS_RESOLVED {
			return &bankv1.FeedEvent{
				AccountId: account, OccurredAt: timestamppb.New(b.now()),
				What: &bankv1.FeedEvent_FraudAlertResolved{FraudAlertResolved: alert},
			}, nil
		}
	}
	return nil, fmt.Errorf("what came of alert %s: %w", id, errNotHere)
}

func (b *Bank) event(a *account, t transaction, hour time.Duration, e *bankv1.FeedEvent) *bankv1.FeedEvent {
	e.AccountId, e.OccurredAt = a.id, b.moment(t, hour)
	return e
}

// moment is an hour of a transaction's day, and never in the future.
func (b *Bank) moment(t transaction, hour time.Duration) *timestamppb.Timestamp {
	at := time.Unix(int64(t.day+b.rolled())*secondsPerDay, 0).Add(hour)
	if now := b.now(); at.After(now) {
		at = now
	}
	return timestamppb.New(at)
}

// atOnce says whether the bank itself made the transaction, so that it was never
// pending.
func (t transaction) atOnce() bool {
	switch t.kind {
	case datav1.TransactionKind_TRANSACTION_KIND_INTEREST, datav1.TransactionKind_TRANSACTION_KIND_PENALTY_INTEREST,
		datav1.TransactionKind_TRANSACTION_KIND_FEE, datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYOUT:
		return true
	default:
		return false
	}
}
