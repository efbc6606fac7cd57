package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// galleryOf is an empty gallery for a browser.
func galleryOf(t *testing.T, folder string, h how) *gallery {
	t.Helper()
	g := &gallery{tab: visit(t, h), hung: map[string]bool{}}
	if dir := os.Getenv("SLUICE_SCREENSHOTS"); dir != "" {
		g.folder = filepath.Join(dir, folder)
		must(t, os.MkdirAll(g.folder, 0o755))
	}
	return g
}

// Questions that the messenger is asked in each language.
var questions = map[string][3]string{
	"en": {"How much do I have?", "What did I spend last month?", "Last card payments"},
	"lt": {"Kiek turiu pinigų?", "Kam išleidau praėjusį mėnesį?", "Paskutiniai mokėjimai kortele"},
}

func TestEveryPageIsAccessibleInTheMessengerAndAtTheDesk(t *testing.T) {
	for _, language := range []string{"en", "lt"} {
		t.Run(language, func(t *testing.T) {
			h := how{size: phone}
			if language == "lt" {
				h.language = "lt"
			}
			chat := galleryOf(t, "messenger-"+language, h)
			desk := galleryOf(t, "desk", how{size: phone})
			desk.passing = language != "en" // it is in English alone
			chat.strange()
			money, service := chat.connects()
			chat.answers(questions[language])
			chat.other("share", "holds", "connect")
			desk.opens()
			chat.says(service, desk)
			desk.asksAboutPayment(chat)
			desk.rest()
			chat.ends(money, service)
			desk.hang("closed")
			if len(chat.hung) < 16 || len(desk.hung) < 8 && !desk.passing {
				t.Errorf("only %d and %d pages were looked at", len(chat.hung), len(desk.hung))
			}
		})
	}
}

// strange is what somebody sees who shares nothing.
func (g *gallery) strange() {
	g.open(set.chat + "/")
	g.hang("welcome")
	g.ask1(questions["en"][0])
	g.hang("not-connected")
	g.other("nowhere", "share", "holds")
	g.open(set.chat + "/connect")
	g.hang("connect")
}

// other looks at pages of the messenger by their names; a second time under another.
func (g *gallery) other(paths ...string) {
	for _, p := range paths {
		g.open(set.chat + "/" + p)
		if g.hung[p] {
			p += "-with-something"
		}
		g.hang(p)
	}
}

// ask1 asks without waiting for an answer of a bank's.
func (g *gallery) ask1(question string) {
	before := evaluate[int](g.tab, `document.querySelectorAll("#log .line").length`)
	g.fill("#text", question)
	g.click("#compose form[data-send] button")
	g.until(fmt.Sprintf(`document.querySelectorAll("#log .line").length >= %d && document.querySelector("#text").value === ""`, before+2))
}

func (g *gallery) connects() (money, service string) {
	g.press(`a[href="/connect/vltava/money"]`)
	g.press("#to-bank")
	g.logIn(withCard)
	money = g.giveAll("ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_DETAILED", "CARD_TRANSACTIONS")
	g.hang("next")
	g.press(`a[href="/connect/vltava/service"]`)
	service = g.giveAll("ACCOUNT_BASIC", "FRAUD_ALERTS", "CONVERSATIONS")
	g.hang("next-both")
	return money, service
}

func (g *gallery) answers(ask [3]string) {
	g.open(set.chat + "/")
	for i, q := range ask {
		g.ask(q, i+1)
	}
	g.hang("answers")
	g.ask1("What is the meaning of life?")
	g.hang("does-not-know")
}

// opens is the desk before anybody wrote.
func (g *gallery) opens() {
	g.open(set.desk + "/")
	g.hang("door")
	g.press("#sign-in")
	g.hang("queue")
	g.press("#samples a.row")
	g.hang("sample")
	g.open(set.desk + "/nowhere")
	g.hang("nowhere")
	g.open(set.desk + "/")
}

// says is a conversation, in the chat and at the desk.
func (g *gallery) says(service string, desk *gallery) {
	g.open(set.chat + "/talk/" + service)
	g.hang("talk-empty")
	g.fill("#text", "My card "+cardNumber+" is gone. What shall I do?")
	g.click("#compose form[data-send] button")
	g.shows("#log", "automatic assistant")
	desk.shows("#waiting", "My card")
	desk.hang("queue-waiting")
	desk.press("#waiting a.row")
	desk.until(`document.querySelector("#reply").dataset.state === "open"`)
	desk.fill("#text", "Please stay with me, I block it now. Is there anything else that you miss?")
	g.until(`document.querySelector("#state .typing") !== null`)
	desk.press("#send")
	desk.hang("conversation")
	g.shows("#log", "I block it now")
	g.hang("talk")
}

// asksAboutPayment is an alert, at the desk and in the chat.
func (g *gallery) asksAboutPayment(chat *gallery) {
	chat.open(set.chat + "/")
	g.press("#to-alert")
	g.hang("alert")
	g.click(`input[name="payment"]:not([disabled])`)
	g.press("#raise")
	chat.until(`document.querySelector('#alerts button[value="NOT_ME"]') !== null`)
	chat.hang("alert")
	chat.click(`#alerts button[value="NOT_ME"]`)
	chat.until(`document.querySelector("#answered .settled") !== null`)
	chat.hang("alert-answered")
	g.shows("#asked", "“It was not me”")
	g.hang("conversation-answered")
}

// rest is what else there is at the desk.
func (g *gallery) rest() {
	at := g.address()
	for _, p := range []string{"consents", "engagement"} {
		g.open(set.desk + "/" + p)
		g.hang(p)
	}
	g.open(at)
}

// ends is the end of both consents, one of them while the conversation is open.
func (g *gallery) ends(money, service string) {
	g.open(set.chat + "/share/" + service + "/end")
	g.hang("end")
	open := g.another()
	open.open(set.chat + "/talk/" + service)
	g.press("main button.danger")
	open.until(`document.querySelector("#state .note") !== null && document.querySelector("#text") === null`)
	g.aside(open, "talk-closed")
	g.open(set.chat + "/share/" + money + "/end")
	g.press("main button.danger")
	g.open(set.chat + "/")
	g.hang("ended")
	g.open(set.chat + "/share")
	g.hang("share-ended")
}
