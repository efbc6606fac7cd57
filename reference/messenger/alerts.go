package messenger

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/messenger/holding"
)

// alert is a bank's question to its customer, as it is held.
type alert struct {
	Account  string
	Alert    *datav1.FraudAlert
	Answered datav1.AlertChoice // what was answered here, if anything was
	Tap      string             // by which tap
}

const kindAlerts = "FRAUD_ALERTS"

// alertKey names an alert in the holding.
func alertKey(account, id string) string { return "alert " + account + " " + id }

func (m *Messenger) listAlerts(ctx context.Context, s *sharing) error {
	if len(m.covered(s, kindAlerts)) == 0 {
		return nil
	}
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return errNotLive
	}
	before := m.holding.List(s.consent) // what comes while the list is made need not be on it
	got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.ListAlertsResponse, error) {
		return m.alerts.ListAlerts(ctx, &partnerv1.ListAlertsRequest{Access: a})
	})
	if err != nil {
		return fmt.Errorf("list alerts: %w", err)
	}
	open := m.keepAlerts(s, ticket, got.GetAccounts())
	if len(got.GetFailures()) > 0 {
		return nil
	}
	for _, i := range before {
		// What is not listed has come to an end that we did not hear of.
		if a, is := i.Value.(alert); is && !ended(a.Alert) && !slices.Contains(open, i.ID) {
			m.holding.Remove(s.consent, i.ID)
			m.notify(s.person)
		}
	}
	return nil
}

// keepAlerts keeps alerts and says under which keys.
func (m *Messenger) keepAlerts(s *sharing, ticket holding.Ticket, accounts []*datav1.AccountAlerts) []string {
	var keys []string
	for _, account := range accounts {
		for _, a := range account.GetAlerts() {
			key := alertKey(account.GetAccountId(), a.GetAlertId())
			keys = append(keys, key)
			m.keepAlert(s, ticket, key, account.GetAccountId(), a)
		}
	}
	return keys
}

func (m *Messenger) keepAlert(s *sharing, ticket holding.Ticket, key, account string, a *datav1.FraudAlert) {
	value := alert{Account: account, Alert: a}
	if before, held := m.holding.Get(s.consent, key); held {
		if b, is := before.Value.(alert); is {
			value.Answered, value.Tap = b.Answered, b.Tap
			if rank(b.Alert.GetStatus()) > rank(a.GetStatus()) || proto.Equal(b.Alert, a) {
				return // older news than we have, or none
			}
		}
	}
	m.holding.Keep(ticket, holding.Item{
		ID: key, What: whatAlert, Value: value, Needs: []holding.Cover{{Account: account, Kind: kindAlerts}},
	})
	m.notify(s.person)
}

func ended(a *datav1.FraudAlert) bool {
	return rank(a.GetStatus()) == rank(datav1.AlertStatus_ALERT_STATUS_RESOLVED)
}

// rank orders how far an alert has come.
func rank(s datav1.AlertStatus) int {
	switch s {
	case datav1.AlertStatus_ALERT_STATUS_OPEN:
		return 1
	case datav1.AlertStatus_ALERT_STATUS_ANSWERED:
		return 2
	case datav1.AlertStatus_ALERT_STATUS_RESOLVED, datav1.AlertStatus_ALERT_STATUS_EXPIRED:
		return 3
	default:
		return 0
	}
}

// answerAlert carries a tap on an answer to the bank.
func (m *Messenger) answerAlert(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	s := m.own(p, r.PathValue("consent"))
	account, id := r.PostFormValue("account"), r.PostFormValue("alert")
	choice := datav1.AlertChoice(datav1.AlertChoice_value["ALERT_CHOICE_"+r.PostFormValue("choice")])
	if s == nil || choice == datav1.AlertChoice_ALERT_CHOICE_UNSPECIFIED {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	key := alertKey(account, id)
	item, held := m.holding.Get(s.consent, key)
	a, is := item.Value.(alert)
	if !held || !is || !slices.Contains(a.Alert.GetChoices(), choice) {
		m.write(p, entry{key: "trouble.alert_gone", args: []string{s.bank.Name}})
	} else if err := m.sendAnswer(r.Context(), s, key, a, choice); err != nil {
		m.config.Log.InfoContext(r.Context(), "an alert was not answered", "bank", s.bank.ID, "error", err)
		m.write(p, entry{key: trouble(err), args: []string{s.bank.Name}})
	}
	http.Redirect(w, r, m.back(p, r.PostFormValue("back"))+"#"+cardID(key), http.StatusSeeOther)
}

func (m *Messenger) sendAnswer(ctx context.Context, s *sharing, key string, a alert, choice datav1.AlertChoice) error {
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return errNotLive
	}
	tap := m.tap(s, key, choice)
	got, err := call(ctx, m, s, func(ctx context.Context, access *partnerv1.Access) (*partnerv1.AnswerAlertResponse, error) {
		return m.alerts.AnswerAlert(ctx, &partnerv1.AnswerAlertRequest{
			Access: access, AccountId: a.Account, AlertId: a.Alert.GetAlertId(), Choice: choice, Confirmation: tap,
		})
	})
	if err != nil {
		if reasonOf(err) == "CHANGE_NOT_POSSIBLE" {
			m.mu.Lock()
			s.listed = s.listed.Add(-freshFor) // it was answered elsewhere or is over: look again
			m.mu.Unlock()
		}
		return fmt.Errorf("answer alert: %w", err)
	}
	if now, still := m.holding.Get(s.consent, key); still {
		// The bank may have said meanwhile what came of it.
		if b, is := now.Value.(alert); is {
			a = b
		}
	}
	if rank(got.GetStatus()) > rank(a.Alert.GetStatus()) {
		told := clone(a.Alert)
		told.Status = got.GetStatus()
		a.Alert = told
	}
	a.Answered, a.Tap = choice, tap
	m.holding.Keep(ticket, holding.Item{
		ID: key, What: whatAlert, Value: a, Needs: []holding.Cover{{Account: a.Account, Kind: kindAlerts}},
	})
	m.notify(s.person)
	return nil
}

// tap names the tap by which a customer gave an answer. It is the same for the same
// answer, so that it may be sent again.
func (m *Messenger) tap(s *sharing, key string, choice datav1.AlertChoice) string {
	of := key + " " + choice.String()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.asked[of] == "" {
		s.asked[of] = "tap-" + strings.ToLower(rand.Text())
	}
	return s.asked[of]
}
