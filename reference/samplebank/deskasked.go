package samplebank

import (
	"slices"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
)

// askedView is a payment that an agent asked the customer about.
type askedView struct {
	What, Amount, Answer string
	Answered             bool
	At                   time.Time // when it was asked
}

// asked are the alerts that agents raised about a customer's payments, the newest
// first, with what was answered.
func (b *Bank) asked(customer string) []askedView {
	var out []askedView
	for _, a := range b.accountsOf(customer) {
		for _, r := range b.alerts.raisedOn(a.id) {
			i := slices.IndexFunc(a.transactions, func(t transaction) bool { return t.id == r.payment })
			v := askedView{What: nameOfPayment(a.transactions[i]), Amount: (-a.transactions[i].amount).text(a.currency), At: r.at}
			v.Answer, v.Answered = b.alerts.answerTo(r.id)
			if !v.Answered && b.now().After(r.at.Add(raisedAnswerable)) {
				v.Answer = "not answered in time"
			}
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(x, y askedView) int { return y.At.Compare(x.At) })
	return out
}

// answerTo is what was answered to an alert, in words.
func (k *alertBook) answerTo(id string) (words string, answered bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch had, answered := k.answered[id]; {
	case !answered:
		return "no answer yet", false
	case had.choice == datav1.AlertChoice_ALERT_CHOICE_WAS_ME:
		return "“It was me”", true
	case had.choice == datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD:
		return "“It was not me: block the card”", true
	default:
		return "“It was not me”", true
	}
}
