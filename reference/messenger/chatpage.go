package messenger

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"

	datav1 "sluice/gen/sluice/data/v1"
)

// chatPage is the chat with the messenger itself.
type chatPage struct {
	Alerts    alertCards
	Connected bool
	Log       []line
}

// Examples are questions to begin with.
func (chatPage) Examples() []string {
	return []string{"chat.example1", "chat.example2", "chat.example3"}
}

// line is one thing said, as it is shown.
type line struct {
	ID      string
	Own     bool
	At      time.Time
	Text    string // the customer's words
	Left    bool   // of which a number was left out
	Key     string // ours
	Args    []string
	What    string // the kind of an answer, "" if it is none
	Bank    string
	Answer  any
	Quote   string // the words that an action passes on
	Actions []action
}

func (a action) Label() string { return a.key }
func (a action) Arg() string   { return a.arg }
func (a action) Href() string  { return a.href }
func (a action) Send() string  { return a.send }

func (m *Messenger) showChat(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	m.look(r.Context(), p)
	page := chatPage{Alerts: m.alertCards(p, "/"), Connected: m.connected(p, money)}
	if p != nil {
		m.mu.Lock()
		log := slices.Clone(p.log)
		m.mu.Unlock()
		for _, e := range log {
			page.Log = append(page.Log, m.line(e))
		}
	}
	m.render(w, r, http.StatusOK, "chat", page)
}

// line shows an entry. An answer that is not held any more is said to be gone.
func (m *Messenger) line(e entry) line {
	l := line{ID: e.id, Own: e.own, At: e.at, Key: e.key, Args: e.args, Actions: e.actions}
	switch {
	case e.own:
		l.Text, l.Left = e.text, e.left
	case e.consent == "":
		l.Quote = e.text
	default:
		l.Bank, l.Key = e.args[0], "say.gone"
		if i, held := m.holding.Get(e.consent, e.id); held {
			l.What, l.Answer = i.What, i.Value
		}
	}
	return l
}

// blockCard is the answer that is asked for twice.
const blockCard = "BLOCK_CARD"

// alertCards are all alerts that a person has, the newest first. Those that are open
// are shown where they are seen wherever the page is.
type alertCards struct{ Open, Settled []alertCard }

// alertCard is an alert as it is shown.
type alertCard struct {
	ID, Consent, Account, Alert string
	Back                        string // the page it is on
	Bank, Text, Where           string
	Amount                      *moneypb.Money
	Name                        string // the account's
	Raised, Until               time.Time
	Talk                        string   // where its customer writes to the bank about it
	Choices                     []string // what may be answered now
	Answered                    string   // what was answered here
	Outcome                     string   // a text: how it stands, if it is not open
}

// alertCards shows alerts on the page of that address.
func (m *Messenger) alertCards(p *person, page string) alertCards {
	var out alertCards
	for _, s := range m.shares(p, service) {
		for _, i := range slices.Backward(m.holding.List(s.consent)) {
			a, is := i.Value.(alert)
			if !is {
				continue
			}
			c := m.card(s, i.ID, a)
			c.Back = page
			if len(c.Choices) > 0 {
				out.Open = append(out.Open, c)
			} else {
				out.Settled = append(out.Settled, c)
			}
		}
	}
	return out
}

func (m *Messenger) card(s *sharing, key string, a alert) alertCard {
	c := alertCard{
		ID: cardID(key), Consent: s.consent, Account: a.Account, Alert: a.Alert.GetAlertId(), Bank: s.bank.Name,
		Text: a.Alert.GetText(), Amount: a.Alert.GetAmount(), Until: stamp(a.Alert.GetExpiresAt()),
		Name: m.nameOf(s.consent, a.Account), Raised: stamp(a.Alert.GetRaisedAt()),
	}
	c.Where = strings.Join(slices.DeleteFunc([]string{a.Alert.GetMerchant(), a.Alert.GetCountry()}, func(s string) bool { return s == "" }), ", ")
	if a.Answered != datav1.AlertChoice_ALERT_CHOICE_UNSPECIFIED {
		c.Answered = "alert." + choiceName(a.Answered)
		if len(m.covered(s, kindTalk)) > 0 {
			c.Talk = "/talk/" + s.consent
		}
	}
	late := !c.Until.IsZero() && !m.config.Now().Before(c.Until)
	switch status := a.Alert.GetStatus(); {
	case status == datav1.AlertStatus_ALERT_STATUS_RESOLVED:
		c.Outcome = outcome(a.Alert.GetOutcome())
	case status == datav1.AlertStatus_ALERT_STATUS_ANSWERED:
		if c.Answered == "" {
			c.Outcome = "alert.elsewhere"
		}
	case status == datav1.AlertStatus_ALERT_STATUS_EXPIRED || late:
		c.Outcome = "alert.expired"
	case c.Answered == "":
		for _, choice := range a.Alert.GetChoices() {
			c.Choices = append(c.Choices, choiceName(choice))
		}
	}
	return c
}

// Next is what happens after an answer, until the bank has dealt with it.
func (c alertCard) Next() string {
	if c.Outcome != "" || c.Answered == "" {
		return ""
	}
	return strings.Replace(c.Answered, "alert.", "alert.next.", 1)
}

// showBlock asks before a card is blocked.
func (m *Messenger) showBlock(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	for _, c := range m.alertCards(p, m.back(p, r.URL.Query().Get("back"))).Open {
		if c.Consent == r.PathValue("consent") && c.ID == url.PathEscape(r.PathValue("alert")) && slices.Contains(c.Choices, blockCard) {
			m.render(w, r, http.StatusOK, "block", c)
			return
		}
	}
	m.fail(w, r, http.StatusNotFound, "trouble.page") // it may have been answered meanwhile
}

// cardID names the card of an alert on its page.
func cardID(key string) string { return url.PathEscape(strings.ReplaceAll(key, " ", "-")) }

func choiceName(c datav1.AlertChoice) string { return strings.TrimPrefix(c.String(), "ALERT_CHOICE_") }

func outcome(o datav1.AlertOutcome) string {
	if o == datav1.AlertOutcome_ALERT_OUTCOME_UNSPECIFIED {
		return "alert.resolved"
	}
	return "alert." + strings.TrimPrefix(o.String(), "ALERT_OUTCOME_")
}
