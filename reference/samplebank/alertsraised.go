package samplebank

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// raisedAlert is an alert that an agent raised.
type raisedAlert struct {
	id, account, payment, text, agent string
	at                                time.Time
}

const (
	raisedAnswerable = 7 * 24 * time.Hour
	maxAlertText     = 400 // characters, as the contract has it
	maxRaised        = 1_000
)

var (
	errNoPayment   = errors.New("there is no such payment of the customer's on the account")
	errAlertBefore = errors.New("an alert about this payment was raised before")
	errAlertText   = errors.New("a warning has at most 400 characters")
	errManyAlerts  = errors.New("too many alerts were raised")
)

// raise has an agent ask a customer about a payment, and publishes it. ListAlerts
// and AnswerAlert know it from then on. Its id is of this process alone: what a
// restart forgets does not come back as something else.
func (b *Bank) raise(account, payment, text, agent string) (*datav1.FraudAlert, error) {
	a := b.data.accounts[account]
	if a == nil || a.bank != b.bank {
		return nil, errNoPayment
	}
	i := slices.IndexFunc(a.transactions, func(t transaction) bool { return t.id == payment })
	if i < 0 || !b.askable(a.transactions[i]) {
		return nil, errNoPayment
	}
	if text = strings.TrimSpace(text); text == "" {
		text = nameOfPayment(a.transactions[i]) + " looks unusual to us. Was this you?"
	}
	if utf8.RuneCountInString(text) > maxAlertText || !utf8.ValidString(text) {
		return nil, errAlertText
	}
	if slices.ContainsFunc(b.alertsOf(a), func(w *datav1.FraudAlert) bool { return w.GetTransactionId() == payment }) {
		return nil, errAlertBefore
	}
	r := raisedAlert{"D" + rand.Text(), account, payment, text, agent, b.now()}
	if err := b.alerts.keep(r); err != nil {
		return nil, fmt.Errorf("raise alert: %w", err)
	}
	alert := b.raisedAlert(a, r)
	b.talks.announce(&bankv1.FeedEvent{
		AccountId: account, OccurredAt: stamp(r.at), What: &bankv1.FeedEvent_FraudAlertRaised{FraudAlertRaised: alert},
	})
	return alert, nil
}

// askable says whether a customer can be asked about a transaction: it has
// happened, and the money was not taken by the bank.
func (b *Bank) askable(t transaction) bool {
	return t.amount < 0 && !byTheBank(t) && t.day+b.rolled() <= dayOf(b.now())
}

// raisedAlert is an alert as it was when it was raised.
func (b *Bank) raisedAlert(a *account, r raisedAlert) *datav1.FraudAlert {
	i := slices.IndexFunc(a.transactions, func(t transaction) bool { return t.id == r.payment })
	t := a.transactions[i]
	return &datav1.FraudAlert{
		AlertId: r.id, Status: datav1.AlertStatus_ALERT_STATUS_OPEN, TransactionId: t.id, Merchant: t.merchant,
		Text: r.text, Amount: (-t.amount).money(a.currency), Choices: choices(a),
		RaisedAt: stamp(r.at), ExpiresAt: stamp(r.at.Add(raisedAnswerable)),
	}
}

// keep keeps an alert, unless one about the same payment was raised meanwhile.
func (k *alertBook) keep(r raisedAlert) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.ContainsFunc(k.raised, func(o raisedAlert) bool { return o.account == r.account && o.payment == r.payment }) {
		return errAlertBefore
	}
	if len(k.raised) >= maxRaised {
		return errManyAlerts
	}
	k.raised = append(k.raised, r)
	return nil
}

func (k *alertBook) raisedOn(account string) []raisedAlert {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []raisedAlert
	for _, r := range k.raised {
		if r.account == account {
			out = append(out, r)
		}
	}
	return out
}

// announce publishes what is of no conversation.
func (k *conversations) announce(e *bankv1.FeedEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.publish(nil, e)
	k.tell()
}
