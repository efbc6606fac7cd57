package samplebank

import (
	"fmt"
	"slices"
	"time"
)

// payment is a transaction that an agent can ask the customer about.
type payment struct {
	ID, What, Amount string
	On               time.Time
	Asked            bool // an alert about it was raised
}

// maxPayments is how many payments of an account are offered.
const maxPayments = 20

// payments are the newest of an account.
func (b *Bank) payments(a *account) []payment {
	asked := map[string]bool{}
	for _, w := range b.alertsOf(a) {
		asked[w.GetTransactionId()] = true
	}
	var out []payment
	for _, t := range slices.Backward(a.transactions) {
		if len(out) == maxPayments {
			break
		}
		if b.askable(t) {
			out = append(out, payment{
				ID: t.id, What: nameOfPayment(t), Amount: (-t.amount).text(a.currency),
				On: time.Unix(int64(t.day+b.rolled())*secondsPerDay, 0).UTC(), Asked: asked[t.id],
			})
		}
	}
	return out
}

// text is an amount that is not negative, for people.
func (a amount) text(currency string) string {
	return fmt.Sprintf("%d.%02d %s", a/100, a%100, currency)
}
