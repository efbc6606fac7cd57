package samplebank

import (
	"maps"
	"net/http"
	"slices"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
)

// engagement is how the channel is used, since the bank's process began.
type engagement struct {
	ActiveDay, ActiveWeek              int // customers who wrote or answered an alert
	Open, Waiting, Closed              int // conversations
	ByCustomer, ByBank, ByConsent      int // who ended them
	Answered                           int // by a person
	Median, P90                        string
	ByRule, ByAgents                   int // alerts raised
	AlertsOpen, AlertsExpired          int
	AlertsAnswered, WasMe, NotMe, Card int
}

// engagement counts what happened; sample questions are left out.
func (b *Bank) engagement() engagement {
	var e engagement
	now := b.now()
	lately := map[string]time.Time{} // when each customer was last active
	all, _ := b.talks.every()
	var waits []time.Duration
	for _, c := range all {
		if c.sample {
			continue
		}
		e.count(&c)
		for _, m := range c.messages {
			if m.GetAuthor() == datav1.Author_AUTHOR_CUSTOMER {
				note(lately, c.customer, m.GetSentAt().AsTime())
			}
		}
		if !c.answered.IsZero() {
			waits = append(waits, c.answered.Sub(c.started))
		}
	}
	b.countAlerts(&e, lately)
	for _, at := range lately {
		if now.Sub(at) < 24*time.Hour {
			e.ActiveDay++
		}
		if now.Sub(at) < 7*24*time.Hour {
			e.ActiveWeek++
		}
	}
	slices.Sort(waits)
	e.Answered, e.Median, e.P90 = len(waits), rank(waits, 50), rank(waits, 90)
	return e
}

func note(lately map[string]time.Time, customer string, at time.Time) {
	if at.After(lately[customer]) {
		lately[customer] = at
	}
}

func (e *engagement) count(c *conversation) {
	switch c.endedBy {
	case datav1.ConversationEnd_CONVERSATION_END_CUSTOMER:
		e.ByCustomer++
	case datav1.ConversationEnd_CONVERSATION_END_BANK:
		e.ByBank++
	case datav1.ConversationEnd_CONVERSATION_END_CONSENT:
		e.ByConsent++
	default:
		e.Open++
		if !c.waitingSince.IsZero() {
			e.Waiting++
		}
		return
	}
	e.Closed++
}

// countAlerts counts alerts of the last four weeks, and what customers answered.
func (b *Bank) countAlerts(e *engagement, lately map[string]time.Time) {
	now := b.now()
	for _, a := range b.data.accounts {
		if a.bank != b.bank {
			continue
		}
		for _, w := range b.alertsOf(a) {
			if now.Sub(w.GetRaisedAt().AsTime()) > step*24*time.Hour {
				continue
			}
			if b.alerts.isRaised(w.GetAlertId()) {
				e.ByAgents++
			} else {
				e.ByRule++
			}
			switch w.GetStatus() {
			case datav1.AlertStatus_ALERT_STATUS_OPEN:
				e.AlertsOpen++
			case datav1.AlertStatus_ALERT_STATUS_EXPIRED:
				e.AlertsExpired++
			default:
			}
		}
	}
	for _, a := range b.alerts.answers() {
		note(lately, a.customer, a.at)
		e.AlertsAnswered++
		switch a.choice {
		case datav1.AlertChoice_ALERT_CHOICE_WAS_ME:
			e.WasMe++
		case datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD:
			e.Card++
		default:
			e.NotMe++
		}
	}
}

// answers are what customers answered.
func (k *alertBook) answers() []alertAnswer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Values(k.answered))
}

// isRaised says whether an agent raised an alert.
func (k *alertBook) isRaised(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.raised, func(r raisedAlert) bool { return r.id == id })
}

// rank is the nearest rank of so many percent of sorted times; a dash if there are none.
func rank(sorted []time.Duration, percent int) string {
	if len(sorted) == 0 {
		return "–"
	}
	return span(sorted[(len(sorted)*percent+99)/100-1])
}

func (d *desk) engagement(w http.ResponseWriter, _ *http.Request, agent string) {
	d.render(w, http.StatusOK, deskFrame{Agent: agent, Page: "engagement", Live: "/engagement", View: d.bank.engagement()})
}
