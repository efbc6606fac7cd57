package pages

import (
	"fmt"
	"path"
	"strings"
	"testing"

	consentv1 "sluice/gen/sluice/consent/v1"
)

// withCard is Banka Vltava's customer with an account and a card, both alone.
const withCard = "2429"

// What is written in a day, and what arrives of it.
const (
	cardNumber = "4111 1111 1111 1111"
	cardMasked = "•••• •••• ••••"
	oneTime    = "482913"
	iban       = "CZ65 0800 0000 1920 0014 5399"
)

// oneDay is a customer's day: he in the chat, on his phone; he on his dashboard, in
// another browser; and an agent at his bank.
type oneDay struct {
	t                      *testing.T
	chat, dashboard, agent *tab
	money, service         string // the consents
}

func TestADayWithThreeBrowsers(t *testing.T) {
	d := &oneDay{t: t, chat: visit(t, how{size: phone}), dashboard: visit(t, how{size: desktop}), agent: visit(t, how{size: desktop})}
	d.connects()
	d.asks()
	d.writes()
	d.isAnswered()
	d.isWarned()
	d.sharesLess()
	d.takesBackTalking()
	d.takesBackMoney()
}

// connects gives both consents, by way of the gateway and the bank's login.
func (d *oneDay) connects() {
	d.t.Helper()
	d.money, d.service = d.chat.connect(withCard)
	d.dashboard.open("/")
	d.dashboard.press("#login")
	d.dashboard.press(`a[data-bank="vltava"]`)
	d.dashboard.logIn(withCard)
	d.dashboard.need(consentCard(d.money), consentCard(d.service))
	d.agent.sitDown()
}

func consentCard(id string) string { return `[data-consent="` + id + `"]` }

// connect connects Banka Vltava: all that is asked for, of both accounts.
func (b *tab) connect(customer string) (money, service string) {
	b.t.Helper()
	b.open(set.chat + "/connect")
	b.press(`a[href="/connect/vltava/money"]`)
	b.on("askwho")
	b.press("#to-bank")
	b.logIn(customer)
	money = b.giveAll("ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_DETAILED", "CARD_TRANSACTIONS")
	b.press(`a[href="/connect/vltava/service"]`)
	return money, b.giveAll("ACCOUNT_BASIC", "FRAUD_ALERTS", "CONVERSATIONS")
}

// giveAll gives these kinds of data of both accounts, and comes back to the chat.
func (b *tab) giveAll(kinds ...string) (consent string) {
	b.t.Helper()
	b.on("ask")
	for account := range 2 {
		for _, kind := range kinds {
			b.click(box(account, kind))
		}
	}
	b.press("#give")
	b.until(`document.body !== null && document.body.dataset.page === "next" && ` + whole)
	b.check()
	return path.Base(b.address())
}

// sitDown signs an agent in at the desk.
func (b *tab) sitDown() {
	b.t.Helper()
	b.open(set.desk + "/")
	b.on("door")
	b.press("#sign-in")
	b.on("queue")
}

// asks asks what he has and spent; the page stays, and so does the focus.
func (d *oneDay) asks() {
	d.t.Helper()
	b := d.chat
	b.open(set.chat + "/")
	b.mark()
	b.ask("How much do I have?", 1)
	if n := evaluate[int](b, `document.querySelectorAll("#log .answer:last-of-type tbody tr").length`); n != 2 {
		d.t.Errorf("two accounts are answered with %d rows: %s", n, b.text("#log"))
	}
	b.ask("What did I spend on food last month?", 2)
	b.ask("last card payments", 3)
	for _, words := range []string{"Banka Vltava: what you have", "Banka Vltava: what you spent on food", "Banka Vltava: your last card payments"} {
		if !strings.Contains(b.text("#log"), words) {
			d.t.Errorf("the chat does not say %q: %s", words, b.text("#log"))
		}
	}
	if n := evaluate[int](b, `document.querySelectorAll("#log .answer:last-of-type tbody tr").length`); n < 5 {
		d.t.Errorf("of the card payments %d are shown", n)
	}
	b.stayed()
	b.check()
	d.dashboard.open("/consents/" + d.money)
	d.dashboard.need("[data-disclosure]")
}

// ask asks the messenger, and waits until there are so many answers.
func (b *tab) ask(question string, answers int) {
	b.t.Helper()
	b.fill("#text", question)
	b.click("#compose form[data-send] button")
	b.until(fmt.Sprintf(`document.querySelectorAll("#log .answer").length === %d && document.querySelector("#text").value === ""`, answers))
}

// stayed requires that the page was not loaded anew since it was marked.
func (b *tab) stayed() {
	b.t.Helper()
	if got := evaluate[int](b, `window.mark || 0`); got != b.marks {
		b.t.Errorf("the page was loaded anew at %s", b.address())
	}
}

// shows waits until an element says something, by itself.
func (b *tab) shows(selector, words string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(e => e !== null && e.innerText.replace(/\s+/g, " ").includes(%s))(document.querySelector(%s))`, quoted(words), quoted(selector)))
}

// secret requires that nothing of this is on the page.
func (b *tab) secret(words ...string) {
	b.t.Helper()
	html := evaluate[string](b, `document.documentElement.outerHTML`)
	for _, w := range words {
		if strings.Contains(html, w) {
			b.t.Errorf("%s has %q", b.address(), w)
		}
	}
}

// writes writes to the bank; the agent sees it come, without what is secret.
func (d *oneDay) writes() {
	d.t.Helper()
	d.agent.mark()
	b := d.chat
	b.open(set.chat + "/talk/" + d.service)
	b.mark()
	b.fill("#text", "My card "+cardNumber+" was refused, and the code "+oneTime+" came. Why?")
	b.click("#compose form[data-typing] button, #compose form[data-send] button")
	b.shows("#log", "automatic assistant")
	b.shows("#log .own", cardMasked)
	d.agent.shows("#waiting", cardMasked)
	d.agent.stayed()
	d.agent.press("#waiting a.row")
	d.agent.on("conversation")
	d.agent.shows("#transcript", cardMasked)
	d.agent.secret(cardNumber, oneTime)
	b.secret(cardNumber, oneTime)
	d.agent.shows("#consent", d.service)
	d.agent.until(`document.querySelector("#reply").dataset.state === "open"`)
	b.shows("#log .own .when", "read") // since the agent has it before him
	b.stayed()
}

// isAnswered has both write at once; the answer is there without loading.
func (d *oneDay) isAnswered() {
	d.t.Helper()
	d.chat.fill("#text", "Is it ")
	d.agent.mark()
	d.agent.shows("#signs", "is writing")
	d.agent.fill("#text", "Pay from "+iban+" meanwhile.")
	d.chat.until(`document.querySelector("#state .typing") !== null`)
	d.agent.press("#send")
	d.chat.shows("#log", "Pay from ")
	d.chat.shows("#log", "meanwhile.")
	d.chat.secret(iban)
	d.chat.shows("#log", "Jana")
	d.agent.until(`document.querySelector("#read") !== null`)
	if got := evaluate[string](d.chat, `document.activeElement.id + ":" + document.querySelector("#text").value`); got != "text:Is it " {
		d.t.Errorf("what was half written is now %q", got)
	}
	d.chat.stayed()
	d.chat.check()
	d.agent.check()
}

// isWarned has the agent ask about a payment, and the customer answer.
func (d *oneDay) isWarned() {
	d.t.Helper()
	d.chat.open(set.chat + "/")
	d.chat.mark()
	d.agent.raise()
	d.chat.until(`document.querySelector('#alerts button[value="WAS_ME"]') !== null`)
	if n := evaluate[float64](d.chat, `document.querySelector('#alerts button[value="WAS_ME"]').getBoundingClientRect().bottom - innerHeight`); n > 0 {
		d.t.Errorf("the bank's question ends %v below what is seen", n)
	}
	if title := evaluate[string](d.chat, `document.title`); !strings.HasPrefix(title, "(1) ") {
		d.t.Errorf("the window is called %q", title)
	}
	d.chat.check()
	d.agent.shows("#asked", "no answer yet")
	figures := d.agent.another()
	figures.open(set.desk + "/engagement")
	before := figures.text("#answered")
	figures.mark()
	d.agent.mark()
	d.chat.click(`#alerts button[value="WAS_ME"]`)
	d.chat.shows("#answered", "Your answer has reached the bank: It was me")
	d.agent.shows("#asked", "“It was me”")
	d.agent.stayed()
	figures.until(fmt.Sprintf(`document.querySelector("#answered").innerText !== %s`, quoted(before)))
	figures.stayed()
	d.chat.stayed()
}

// raise raises an alert about the newest payment of which none was raised yet.
func (b *tab) raise() {
	b.t.Helper()
	b.press("#to-alert")
	b.on("alert")
	b.click(`input[name="payment"]:not([disabled])`)
	b.press("#raise")
	b.on("conversation")
}

// sharesLess takes an account out, on the dashboard: the chat's answer is another.
func (d *oneDay) sharesLess() {
	d.t.Helper()
	d.dashboard.open("/consents/" + d.money + "/narrow")
	for _, kind := range []string{"ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_DETAILED", "CARD_TRANSACTIONS"} {
		d.dashboard.click(box(0, kind))
	}
	d.dashboard.press("button#narrow")
	d.dashboard.need("#said")
	b := d.chat
	b.shows("#log", "You share less now.")
	b.until(`document.querySelectorAll("#log .answer").length < 3`) // what had the account is gone
	left := evaluate[int](b, `document.querySelectorAll("#log .answer").length`)
	b.ask("How much do I have?", left+1)
	if n := evaluate[int](b, `document.querySelectorAll("#log .answer:last-of-type tbody tr").length`); n != 1 {
		d.t.Errorf("one account is answered with %d rows: %s", n, b.text("#log"))
	}
	b.stayed()
}

// takesBackTalking revokes on the dashboard what an open conversation runs under.
func (d *oneDay) takesBackTalking() {
	d.t.Helper()
	b := d.chat
	b.open(set.chat + "/talk/" + d.service)
	b.shows("#log", "meanwhile.")
	b.mark()
	d.agent.until(`document.querySelector("#reply").dataset.state === "open"`)
	d.agent.mark()
	d.agent.fill("#text", "One more thing")
	d.dashboard.open("/consents/" + d.service)
	d.dashboard.press("#revoke")
	d.dashboard.press("#revoke-confirm")
	d.dashboard.need("#revoked-at")

	b.shows("#state", "This conversation is closed: you do not share with Banka Vltava any more.")
	b.secret("Pay from", cardMasked, "Jana", "looks unusual")
	if b.has("#text") {
		d.t.Error("the chat still lets him write")
	}
	b.stayed()
	d.agent.until(`document.querySelector("#reply").dataset.state === "closed"`)
	d.agent.need("#why", "#ended")
	d.agent.shows("#reply", "Not sent: One more thing")
	d.agent.shows("#consent-status", "evoked")
	if d.agent.has("#send") {
		d.t.Error("the desk still lets the agent write")
	}
	d.agent.stayed()
	d.agent.check()
	b.check()
}

// takesBackMoney ends the other consent in the chat itself.
func (d *oneDay) takesBackMoney() {
	d.t.Helper()
	b := d.chat
	b.open(set.chat + "/")
	open := b.another()
	open.open(set.chat + "/")
	open.mark()
	b.open(set.chat + "/share")
	b.press(`a[href="/share/` + d.money + `/end"]`)
	b.press("main button.danger")
	for _, chat := range []*tab{b, open} {
		if chat == b {
			chat.open(set.chat + "/")
		}
		chat.shows("#log", "you ended it here.")
		if chat.has("#log .answer") {
			d.t.Errorf("an answer is still shown: %s", chat.text("#log"))
		}
	}
	open.stayed()
	b.open(set.chat + "/holds")
	b.shows("#held", "Nothing.")
	d.dashboard.open("/consents/" + d.money)
	if state := d.dashboard.attribute("#state", "data-state"); state != consentv1.ConsentStatus_CONSENT_STATUS_REVOKED.String() {
		d.t.Errorf("on the dashboard it is %s", state)
	}
	d.dashboard.open("/")
}
