package messenger_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func (g *gateway) question(id string) *datav1.FraudAlert {
	return &datav1.FraudAlert{
		AlertId: id, Status: datav1.AlertStatus_ALERT_STATUS_OPEN, Text: "Was this you?", Merchant: "SHADY SHOP", Country: "XX",
		Amount:    czk(999, 0),
		Choices:   []datav1.AlertChoice{datav1.AlertChoice_ALERT_CHOICE_WAS_ME, datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD},
		ExpiresAt: timestamppb.New(g.now.Add(time.Hour)),
	}
}

func alertEvent(kind partnerv1.EventKind, consent string, a *datav1.FraudAlert) *partnerv1.Event {
	return &partnerv1.Event{
		Kind: kind, ConsentId: consent, EventId: a.GetAlertId(),
		Alert: &partnerv1.AlertEvent{Accounts: []*datav1.AccountAlerts{{AccountId: account1, Alerts: []*datav1.FraudAlert{a}}}},
	}
}

func TestAnAlertComesByItselfIsAnsweredAndItsOutcomeShown(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	w.get("/").mustNot(t, "SHADY SHOP")
	alert := w.g.question("W1")
	if a := w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, alert)); a.GetError() != "" {
		t.Fatal(a.GetError())
	}
	w.get("/").must(t, "Morava asks you", "Was this you?", "SHADY SHOP, XX", "999.00\u00a0CZK", "Not me: block the card")
	answered := w.post("/alerts/"+consent, "account", account1, "alert", "W1", "choice", "BLOCK_CARD")
	answered.must(t, "Your answer has reached the bank:")
	answered.mustNot(t, `name="choice"`)
	if len(w.g.answers) != 1 || w.g.answers[0].GetChoice() != datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD || !strings.HasPrefix(w.g.answers[0].GetConfirmation(), "tap-") {
		t.Fatalf("the bank was answered %v", w.g.answers)
	}
	w.get("/holds").must(t, "Fraud warning", "your answer: Not me: block the card")
	w.get("/holds").mustNot(t, w.g.answers[0].GetConfirmation())
	done := proto.CloneOf(alert)
	done.Status, done.Outcome = datav1.AlertStatus_ALERT_STATUS_RESOLVED, datav1.AlertOutcome_ALERT_OUTCOME_CARD_BLOCKED
	w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RESOLVED, consent, done))
	w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, alert)) // again, and late
	after := w.get("/")
	after.must(t, "the card is blocked")
	after.mustNot(t, `name="choice"`)
}

func TestAnAnswerSentAgainHasTheSameConfirmation(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	consent := w.connect("morava", "service")
	w.get("/").must(t, "SHADY SHOP")
	for _, choice := range []string{"WAS_ME", "WAS_ME", "BLOCK_CARD"} {
		w.post("/alerts/"+consent, "account", account1, "alert", "W1", "choice", choice)
	}
	if a := w.g.answers; len(a) != 3 || a[0].GetConfirmation() != a[1].GetConfirmation() || a[2].GetConfirmation() == a[0].GetConfirmation() {
		t.Errorf("the bank was answered %v", a)
	}
}

func TestOnlyWhatTheBankOffersCanBeAnswered(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	consent := w.connect("morava", "service")
	w.get("/")
	for _, form := range [][]string{
		{"account", account1, "alert", "W1", "choice", "NOT_ME"},
		{"account", account1, "alert", "W2", "choice", "WAS_ME"},
		{"account", account2, "alert", "W1", "choice", "WAS_ME"},
		{"account", account1, "alert", "W1", "choice", "UNSPECIFIED"},
		{"account", account1, "alert", "W1"},
	} {
		w.post("/alerts/"+consent, form...)
	}
	if len(w.g.answers) != 0 {
		t.Errorf("the bank was answered %v", w.g.answers)
	}
}

func TestAlertsGoWithTheirConsent(t *testing.T) {
	for name, to := range map[string]consentv1.ConsentStatus{
		"it is revoked": consentv1.ConsentStatus_CONSENT_STATUS_REVOKED,
		"it is paused":  consentv1.ConsentStatus_CONSENT_STATUS_PAUSED,
		"it is held":    consentv1.ConsentStatus_CONSENT_STATUS_SUSPENDED,
		"it is ending":  consentv1.ConsentStatus_CONSENT_STATUS_REVOKING,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
			consent := w.connect("morava", "service")
			w.run()
			w.get("/").must(t, "SHADY SHOP")
			w.g.tell(w.g.change(consent, to), consentv1.ChangeKind_CHANGE_KIND_REVOKE)
			w.get("/").mustNot(t, "SHADY SHOP")
			w.get("/holds").must(t, "Nothing.")
		})
	}
}

func TestAPausedConsentThatGoesOnShowsItsAlertsAgain(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	consent := w.connect("morava", "service")
	w.run()
	w.g.tell(w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_PAUSED), consentv1.ChangeKind_CHANGE_KIND_PAUSE)
	w.get("/").must(t, "This rests: you paused it.")
	w.g.tell(w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE), consentv1.ChangeKind_CHANGE_KIND_RESUME)
	w.get("/").must(t, "This goes on.", "SHADY SHOP")
}

func TestAnEventOfAConsentNobodyHereHasIsDoneWith(t *testing.T) {
	w := newWorld(t)
	w.run()
	if a := w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, "con_unknown", w.g.question("W1"))); a.GetError() != "" {
		t.Errorf("it was sent back: %s", a.GetError())
	}
}

func TestAnEventIsTakenAfterTheStreamBroke(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, w.g.question("W1")))
	w.g.cut <- struct{}{}
	w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, w.g.question("W2")))
	if w.g.subscribed != 2 {
		t.Errorf("there were %d streams", w.g.subscribed)
	}
	w.g.mu.Lock()
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1"), w.g.question("W2")}
	w.g.mu.Unlock()
	if n := strings.Count(w.get("/").text, `class="card alert"`); n != 2 {
		t.Errorf("%d alerts are shown", n)
	}
}

func TestAnAlertThatComesWhileTheyAreListedStays(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	w.g.began = func(method string) {
		if method == "ListAlerts" {
			w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, w.g.question("W1")))
		}
	}
	w.get("/").must(t, "SHADY SHOP")
}

func TestAnAlertThatCameToAnEndUnheardIsShownNoMore(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	w.connect("morava", "service")
	w.get("/").must(t, "SHADY SHOP")
	w.g.alerts = nil
	w.g.pass(31 * time.Second)
	w.get("/").mustNot(t, "SHADY SHOP")
}

func TestATokenOfOurOwnThatIsNoneAnyMoreIsReplaced(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.g.mu.Lock()
	w.g.owns++ // the one that is held is old
	w.g.mu.Unlock()
	w.run()
	w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, w.g.question("W1")))
	w.g.mu.Lock()
	w.g.owns++
	w.g.mu.Unlock()
	w.post("/share/"+consent+"/end").must(t, "you ended it here.")
}

func TestOpenQuestionsStandWithTheComposerAndAreCounted(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1"), w.g.question("W2")}
	consent := w.connect("morava", "service")
	for path, title := range map[string]string{"/": "(2) Ask about your money", "/talk/" + consent: "(2) Talk to Morava"} {
		page := w.get(path)
		page.must(t, "<title>"+title, "open questions of your bank: </span>2")
		_, dock, _ := strings.Cut(page.text, `class="dock"`)
		if strings.Count(dock, `class="card alert"`) != 2 {
			t.Errorf("%s does not show both with its composer:\n%s", path, page.text)
		}
		if strings.Index(dock, `id="alerts"`) > strings.Index(dock, `id="compose"`) {
			t.Errorf("%s shows them below its composer", path)
		}
	}
	for _, id := range []string{"W1", "W2"} {
		answered := w.post("/alerts/"+consent, "account", account1, "alert", id, "choice", "WAS_ME", "back", "/talk/"+consent)
		if answered.at != "/talk/"+consent {
			t.Errorf("an answer leads to %s", answered.at)
		}
	}
	w.get("/").mustNot(t, "<title>(", "open questions of your bank")
}

func TestAnAlertSaysOfWhichAccountAndWhenAndBlockingIsAskedForTwice(t *testing.T) {
	w := newWorld(t)
	alert := w.g.question("W1")
	alert.RaisedAt = timestamppb.New(w.g.now.Add(-time.Minute))
	alert.Choices = append(alert.Choices, datav1.AlertChoice_ALERT_CHOICE_NOT_ME)
	w.g.alerts = []*datav1.FraudAlert{alert}
	consent := w.connect("morava", "service")
	page := w.get("/talk/" + consent)
	page.must(t, "Name of acc_current ****5399", "25 Nov 2026, 11:59")
	page.mustNot(t, `value="BLOCK_CARD"`)
	_, link, _ := strings.Cut(page.text, `href="/alerts/`)
	link, _, _ = strings.Cut(link, `"`)
	if len(w.g.answers) != 0 {
		t.Fatal("the bank was answered by looking")
	}
	w.get("/alerts/"+link).must(t, "Block the card?", "Name of acc_current", `value="BLOCK_CARD"`, `name="back" value="/talk/`+consent+`"`)
	if got := w.getAs(w.browser(), "/alerts/"+link); got.status != 404 {
		t.Errorf("a stranger is answered %d", got.status)
	}
	w.post("/alerts/"+consent, "account", account1, "alert", "W1", "choice", "NOT_ME").must(t,
		"Morava looks into it now", `href="/talk/`+consent+`">Write to Morava`)
	if got := w.get("/alerts/" + link); got.status != 404 {
		t.Errorf("after an answer it can be blocked: %d", got.status)
	}
}
