package samplebank

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	datav1 "sluice/gen/sluice/data/v1"
)

const (
	// A payment is unusual if it is more than so many times what all but a tenth
	// of the account's payments before it stayed below.
	farAbove  = 2
	remember  = 100 // payments before it that count, at most
	needed    = 20  // and at least, so that there is something to compare with
	suspected = 12 * time.Hour

	// A bank in earnest would not wait so long; the newest data may be four weeks
	// old, and someone who tries the bank is to find an open alert.
	answerable = 35 * 24 * time.Hour
	// lookedInto is how long after an answer the bank knows what came of it.
	lookedInto = 5 * time.Second
)

// alertsOf are the alerts of an account as they stand now, oldest first, those at
// an end too.
func (b *Bank) alertsOf(a *account) []*datav1.FraudAlert {
	var out []*datav1.FraudAlert
	for _, i := range a.unusual {
		if alert := b.alertOf(a, i); alert != nil {
			out = append(out, alert)
		}
	}
	for _, r := range b.alerts.raisedOn(a.id) {
		alert := b.raisedAlert(a, r)
		b.alerts.say(alert, b.now())
		out = append(out, alert)
	}
	return out
}

// alertOf is the alert that an account's transaction raised, as it stands now;
// nil if it raised none, or not yet.
func (b *Bank) alertOf(a *account, i int) *datav1.FraudAlert {
	if !slices.Contains(a.unusual, i) {
		return nil
	}
	t, now := a.transactions[i], b.now()
	raised := time.Unix(int64(t.day+b.rolled())*secondsPerDay, 0).Add(suspected)
	if raised.After(now) {
		return nil
	}
	out := &datav1.FraudAlert{
		AlertId: "W" + t.id, Status: datav1.AlertStatus_ALERT_STATUS_OPEN, TransactionId: t.id, Merchant: t.merchant,
		Text:     fmt.Sprintf("%s is far more than you usually pay from this account. Was this you?", nameOfPayment(t)),
		Amount:   (-t.amount).money(a.currency),
		Choices:  choices(a),
		RaisedAt: timestamppb.New(raised), ExpiresAt: timestamppb.New(raised.Add(answerable)),
	}
	b.alerts.say(out, now)
	return out
}

func nameOfPayment(t transaction) string {
	if t.merchant != "" {
		return "A purchase at " + t.merchant
	}
	return "\"" + t.description + "\""
}

// choices are what a customer may answer: who holds a card may have it blocked.
func choices(a *account) []datav1.AlertChoice {
	out := []datav1.AlertChoice{datav1.AlertChoice_ALERT_CHOICE_WAS_ME, datav1.AlertChoice_ALERT_CHOICE_NOT_ME}
	if a.card != nil {
		out = append(out, datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD)
	}
	return out
}

// lookForUnusual notes which payments of each account are far above its history.
// The rule sees what came before a payment, and nothing after it.
func (d *Data) lookForUnusual() {
	for _, a := range d.accounts {
		var paid []amount
		for i, t := range a.transactions {
			if t.amount >= 0 || byTheBank(t) {
				continue
			}
			if unusual(paid[max(0, len(paid)-remember):], -t.amount) {
				a.unusual = append(a.unusual, i)
			}
			paid = append(paid, -t.amount)
		}
	}
}

// byTheBank says whether the bank itself took the money: that is no fraud, and
// no measure of what its customer pays.
func byTheBank(t transaction) bool {
	switch t.kind {
	case datav1.TransactionKind_TRANSACTION_KIND_FEE, datav1.TransactionKind_TRANSACTION_KIND_PENALTY_INTEREST,
		datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYMENT:
		return true
	default:
		return false
	}
}

func unusual(before []amount, paid amount) bool {
	if len(before) < needed {
		return false
	}
	sorted := slices.Sorted(slices.Values(before))
	return paid > farAbove*sorted[len(sorted)*9/10]
}
