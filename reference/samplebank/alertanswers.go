package samplebank

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// alertBook is what customers answered. It is in memory, as all of the sample
// banks' own is: a restart forgets it. A bank in earnest keeps it.
type alertBook struct {
	mu       sync.Mutex
	answered map[string]alertAnswer // by alert
	raised   []raisedAlert          // by agents, oldest first
	told     func(Answered)
}

type alertAnswer struct {
	id       string
	customer string
	account  string
	choice   datav1.AlertChoice
	at       time.Time
}

// Answered is an answer that the bank took.
type Answered struct {
	Account, Alert, Choice, Partner, Confirmation string
}

// OnAnswer has each answer told that the bank takes, once, while it is taken.
func (b *Bank) OnAnswer(told func(Answered)) {
	b.alerts.mu.Lock()
	defer b.alerts.mu.Unlock()
	b.alerts.told = told
}

// ListAlerts answers the alerts that are not at an end.
func (b *Bank) ListAlerts(_ context.Context, r *bankv1.ListAlertsRequest) (*bankv1.ListAlertsResponse, error) {
	found, failures, err := b.find(r.GetSubject())
	if err != nil {
		return nil, err
	}
	out := &bankv1.ListAlertsResponse{Failures: failures}
	for _, a := range found {
		out.Accounts = append(out.Accounts, &datav1.AccountAlerts{
			AccountId: a.id, Alerts: slices.DeleteFunc(b.alertsOf(a), atAnEnd),
		})
	}
	return out, nil
}

func atAnEnd(a *datav1.FraudAlert) bool {
	return a.GetStatus() == datav1.AlertStatus_ALERT_STATUS_RESOLVED || a.GetStatus() == datav1.AlertStatus_ALERT_STATUS_EXPIRED
}

// AnswerAlert takes one answer to an alert. The same again, by its id, answers
// where the alert stands and changes nothing; so a gateway that heard no answer
// can tell it again, at any time.
func (b *Bank) AnswerAlert(_ context.Context, r *bankv1.AnswerAlertRequest) (*bankv1.AnswerAlertResponse, error) {
	a, ok := b.data.held(r.GetCustomerId(), r.GetAccountId())
	if !ok || a.bank != b.bank {
		return nil, status.Error(codes.NotFound, "the customer has no such account")
	}
	alerts := b.alertsOf(a)
	i := slices.IndexFunc(alerts, func(w *datav1.FraudAlert) bool { return w.GetAlertId() == r.GetAlertId() })
	if i < 0 {
		return nil, status.Error(codes.NotFound, "the account has no such alert")
	}
	if err := b.alerts.take(a, alerts[i], r, b.now()); err != nil {
		return nil, err
	}
	b.talks.show()
	b.alerts.say(alerts[i], b.now())
	return &bankv1.AnswerAlertResponse{Status: alerts[i].GetStatus()}, nil
}

// take keeps the first answer.
func (k *alertBook) take(a *account, alert *datav1.FraudAlert, r *bankv1.AnswerAlertRequest, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	had, answered := k.answered[alert.GetAlertId()]
	switch {
	case answered && had.id == r.GetAnswerId() && had.choice == r.GetChoice():
		return nil
	case answered:
		return status.Error(codes.FailedPrecondition, "the alert was answered")
	case alert.GetStatus() != datav1.AlertStatus_ALERT_STATUS_OPEN:
		return status.Error(codes.FailedPrecondition, "the alert is not open")
	case r.GetAnswerId() == "":
		return status.Error(codes.InvalidArgument, "answer_id must name the answer")
	case !slices.Contains(alert.GetChoices(), r.GetChoice()):
		return status.Error(codes.InvalidArgument, "choice is none of the alert's")
	}
	if k.answered == nil {
		k.answered = map[string]alertAnswer{}
	}
	k.answered[alert.GetAlertId()] = alertAnswer{
		id: r.GetAnswerId(), customer: r.GetCustomerId(), account: a.id, choice: r.GetChoice(), at: now,
	}
	if k.told != nil {
		k.told(Answered{
			Account: a.id, Alert: alert.GetAlertId(), Choice: r.GetChoice().String()[len("ALERT_CHOICE_"):],
			Partner: r.GetPartnerId(), Confirmation: r.GetConfirmation(),
		})
	}
	return nil
}

// say puts into an alert what the customer answered and what came of it.
func (k *alertBook) say(alert *datav1.FraudAlert, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	had, answered := k.answered[alert.GetAlertId()]
	switch {
	case !answered && now.Before(alert.GetExpiresAt().AsTime()):
	case !answered:
		alert.Status = datav1.AlertStatus_ALERT_STATUS_EXPIRED
	case now.Before(had.at.Add(lookedInto)):
		alert.Status = datav1.AlertStatus_ALERT_STATUS_ANSWERED
	default:
		alert.Status, alert.Outcome = datav1.AlertStatus_ALERT_STATUS_RESOLVED, outcome(had.choice)
	}
}

func outcome(c datav1.AlertChoice) datav1.AlertOutcome {
	switch c {
	case datav1.AlertChoice_ALERT_CHOICE_WAS_ME:
		return datav1.AlertOutcome_ALERT_OUTCOME_GENUINE
	case datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD:
		return datav1.AlertOutcome_ALERT_OUTCOME_CARD_BLOCKED
	default:
		return datav1.AlertOutcome_ALERT_OUTCOME_FRAUD
	}
}

// blocked says whether a customer had the card of an account blocked.
func (k *alertBook) blocked(account string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, a := range k.answered {
		if a.account == account && a.choice == datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD {
			return true
		}
	}
	return false
}
