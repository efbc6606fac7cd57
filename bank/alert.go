package bank

import (
	"context"
	"errors"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
)

// AnswerAlert is the one method of BankService that tells a bank something.
const AnswerAlert Method = "/sluice.bank.v1.BankService/AnswerAlert"

// ErrNotTaken means that the bank refused for good what it was told: telling it
// the same again would not help.
var ErrNotTaken = errors.New("bank does not take what it was told")

// AlertAnswer is a customer's answer to an alert, by the bank's names.
type AlertAnswer struct {
	ID           string // the bank takes one ID once, however often it is told
	Customer     consent.CustomerID
	Account      consent.AccountID
	Alert        string
	Choice       datav1.AlertChoice
	Partner      consent.PartnerID
	Confirmation string // the partner's proof that the customer confirmed just this
}

// AlertDesk takes answers to alerts.
type AlertDesk interface {
	// AnswerAlert says where the alert stands now. After any error but
	// ErrNotTaken the bank may have the answer; it is to be told again.
	AnswerAlert(ctx context.Context, a AlertAnswer) (datav1.AlertStatus, error)
}
