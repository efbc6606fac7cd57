package pages

import (
	"strings"
	"testing"
)

// Without scripts all of it is there, by forms and by loading again.
func TestTheChatWorksWithoutScripts(t *testing.T) {
	plain := how{size: phone, noScripts: true}
	chat, desk := visit(t, plain), visit(t, plain)
	money, service := chat.connect(withCard)
	chat.open(set.chat + "/")
	chat.fill("#text", "How much do I have?")
	chat.press("#compose form button")
	if !strings.Contains(chat.text("#log"), "Banka Vltava: what you have") {
		t.Errorf("the chat says %s", chat.text("#log"))
	}

	chat.open(set.chat + "/talk/" + service)
	chat.fill("#text", "Without scripts my card is "+cardNumber+".")
	chat.press("#compose form[data-send] button")
	desk.sitDown()
	desk.eventually("#waiting")
	desk.press("#waiting a.row")
	desk.eventually("#send") // the bank looks the consent up first
	if said := desk.text("#transcript"); !strings.Contains(said, "Without scripts my card is "+cardMasked) {
		t.Errorf("the desk shows %s", said)
	}
	desk.fill("#text", "Pay from "+iban+" meanwhile.")
	desk.press("#send")
	chat.eventually("#log .line:nth-of-type(3)")
	if said := chat.text("#log"); !strings.Contains(said, "meanwhile.") {
		t.Errorf("the chat shows %s", said)
	}
	chat.secret(iban, cardNumber)

	at, _, _ := strings.Cut(desk.address(), "#") // the browser may still be on its way to there
	desk.open(at)
	desk.raise()
	chat.eventually(`#alerts button[value="NOT_ME"]`)
	chat.press(`#alerts button[value="NOT_ME"]`)
	if said := chat.text("#answered"); !strings.Contains(said, "Your answer has reached the bank: It was not me") {
		t.Errorf("of the alert the chat says %s", said)
	}
	for _, id := range []string{service, money} {
		chat.open(set.chat + "/share/" + id + "/end")
		chat.press("main button.danger")
	}
	chat.open(set.chat + "/talk/" + service)
	if said := chat.text("#state"); !strings.Contains(said, "This conversation is closed") || chat.has("#log .line") {
		t.Errorf("after the end the chat says %s", chat.mustText())
	}
	desk.eventually("#ended")
}
