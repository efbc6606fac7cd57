package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/seal"
)

// Gate decides, and gets an alert from the bank as for any partner.
type Gate interface {
	Permit(ctx context.Context, ask gateway.Ask) (gateway.Permitted, error)
	Release(ctx context.Context, ask gateway.Ask) (gateway.Released, error)
}

// Config is what a Desk is made of; every member is needed.
type Config struct {
	Gate   Gate
	Store  Store
	Banks  bank.Directory
	Sealer *seal.Sealer // of confirmations
	Now    func() time.Time
}

// Desk takes answers and carries them. It may be used by many goroutines, and
// there may be many on one store.
type Desk struct {
	Config
	due chan struct{} // something may be due now
}

// New opens a desk.
func New(c Config) *Desk { return &Desk{Config: c, due: make(chan struct{}, 1)} }

// Question is a customer's answer as a door understood it.
type Question struct {
	Ask          gateway.Ask // about one account; the kind is set here
	Alert        string
	Choice       datav1.AlertChoice
	Confirmation string
}

// given is an answer that the gate permitted.
type given struct {
	grant        consent.Grant
	subject      Subject
	choice       datav1.AlertChoice
	confirmation string
}

// Answer takes an answer and says where the alert stands; it refuses with a
// *refusal.Error. What it says is told of an answer that is kept for good, be
// it that the bank has yet to be told.
func (d *Desk) Answer(ctx context.Context, q Question) (datav1.AlertStatus, error) {
	if q.Ask.Unattended {
		return 0, refusal.Invalid("access.attendance", "an answer is the customer's own: the customer must be present")
	}
	if strings.Contains(q.Alert, "\x00") { // no database looks for it
		return 0, noAlert()
	}
	q.Ask.Kind, q.Ask.One = policy.Alerts, true
	const tries = 2 // the second from what changed meanwhile
	for range tries {
		status, changed, err := d.answer(ctx, q)
		if !changed {
			return status, err
		}
	}
	return 0, refusal.New(refusal.GrantChanged, "the consent changed during the call; try again")
}

func (d *Desk) answer(ctx context.Context, q Question) (status datav1.AlertStatus, changed bool, err error) {
	permitted, err := d.Gate.Permit(ctx, q.Ask)
	if err != nil {
		return 0, false, fmt.Errorf("permit answer: %w", err)
	}
	g := given{
		grant: permitted.Grant(), choice: q.Choice, confirmation: q.Confirmation,
		subject: Subject{Bank: permitted.Grant().Bank(), Account: permitted.Account(), Alert: q.Alert},
	}
	first, found, err := d.Store.Find(ctx, g.subject)
	if err != nil {
		return 0, false, unavailable(err)
	}
	if found {
		status, err := again(first, g)
		return status, false, err
	}
	shown, err := d.look(ctx, q)
	if err != nil {
		return 0, false, err
	}
	if err := takes(shown, q.Choice, d.Now()); err != nil {
		return 0, false, err
	}
	return d.keep(ctx, g, shown)
}

// look gets the alert as the partner may see it.
func (d *Desk) look(ctx context.Context, q Question) (*datav1.FraudAlert, error) {
	released, err := d.Gate.Release(ctx, q.Ask)
	if err != nil {
		return nil, fmt.Errorf("read alert: %w", err)
	}
	defer released.Sent() // nothing of it leaves but whether the answer was taken
	var got partnerv1.ListAlertsResponse
	if err := proto.Unmarshal(released.Encoded(), &got); err != nil {
		return nil, refusal.Because(refusal.BankAnswerInvalid, "the bank's answer was unusable; try again later", err)
	}
	for _, a := range got.GetAccounts() {
		for _, alert := range a.GetAlerts() {
			if alert.GetAlertId() == q.Alert {
				return alert, nil
			}
		}
	}
	return nil, noAlert()
}

func noAlert() error {
	return refusal.Invalid("alert_id", "names no alert of this account that is not at an end")
}

// takes says whether an alert takes an answer.
func takes(a *datav1.FraudAlert, c datav1.AlertChoice, now time.Time) error {
	switch {
	case a.GetStatus() == datav1.AlertStatus_ALERT_STATUS_EXPIRED, a.GetExpiresAt() != nil && !now.Before(a.GetExpiresAt().AsTime()):
		return refusal.New(refusal.ChangeNotPossible, "the alert has expired and takes no answer; the customer should talk to the bank")
	case a.GetStatus() != datav1.AlertStatus_ALERT_STATUS_OPEN:
		return refusal.New(refusal.ChangeNotPossible, answeredAlready)
	case !slices.Contains(a.GetChoices(), c):
		return refusal.Invalid("choice", "is none of the choices that the bank offers for this alert")
	}
	return nil
}

const answeredAlready = "the alert was answered already; list alerts to see where it stands"

// again answers an answer to an alert that has one.
func again(first Answer, g given) (datav1.AlertStatus, error) {
	if !first.saysSame(g) {
		return 0, refusal.New(refusal.ChangeNotPossible, answeredAlready)
	}
	switch first.State {
	case NotTaken:
		return 0, refusal.New(refusal.ChangeNotPossible, notTaken)
	case Abandoned:
		return 0, refusal.New(refusal.BankUnavailable, "the bank could not be told the answer; the customer should talk to the bank")
	case Taken:
		return first.Status, nil
	case Kept:
	}
	return datav1.AlertStatus_ALERT_STATUS_ANSWERED, nil
}

const notTaken = "the bank did not take the answer; the customer should talk to the bank"

func unavailable(cause error) error {
	return refusal.Because(refusal.RecordUnavailable, "the record can't be reached; try again with the same answer", cause)
}
