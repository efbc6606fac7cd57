package pages

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// inLithuanian requires the language, words that each such page has, and dates as
// they are written in it.
func (b *tab) inLithuanian(words ...string) {
	b.t.Helper()
	if got := b.attribute("html", "lang"); got != "lt" {
		b.t.Fatalf("%s is in %q", b.address(), got)
	}
	text := b.text("body")
	for _, w := range append(words, "Pereiti prie turinio") {
		if !strings.Contains(text, w) {
			b.t.Errorf("%s does not say %q:\n%.1500s", b.address(), w, text)
		}
	}
	if english := regexp.MustCompile(`\b(the|your|and|January|February|March|April|May|June|July|August|September|October|November|December)\b`).FindAllString(text, -1); english != nil {
		b.t.Errorf("%s says in English %q", b.address(), english)
	}
}

var lithuanianDate = regexp.MustCompile(`20\d\d m\. (sausio|vasario|kovo|balandžio|gegužės|birželio|liepos|rugpjūčio|rugsėjo|spalio|lapkričio|gruodžio) \d{1,2} d\.`)

// The partner says in which language its customer reads; the bank is told too.
func TestLithuanianAsThePartnerSays(t *testing.T) {
	sentence := "Parodyti jums sąskaitas pokalbiuose."
	wish := detail()
	wish["purpose_text"] = sentence
	ask, err := set.messenger.Ask(within(t), wish, url.Values{"ui_locales": {"lt en"}})
	must(t, err)
	b := visit(t, how{size: phone})
	b.open(ask.Link)
	b.inLithuanian()
	b.press("#to-bank")
	if got := b.attribute("html", "lang"); got != "lt" {
		t.Errorf("the bank's login is in %q", got)
	}
	b.logIn(three)
	b.inLithuanian(sentence)
	b.press("#give")
	b.need("#problems")
	b.inLithuanian()
	b.giveLess()
	token, err := ask.Token(within(t))
	must(t, err)
	b.lithuanianTour(token.Consent)
}

// lithuanianTour looks at every page of a consent.
func (b *tab) lithuanianTour(id string) {
	b.t.Helper()
	path := "/consents/" + id
	for _, p := range []string{"/", "/login", path, path + "/narrow", path + "/renew", path + "/revoke", path + "/receipt", "/stop", "/logout", "/consents/con_nothing"} {
		b.open(p)
		b.inLithuanian()
	}
	b.open(path)
	if !lithuanianDate.MatchString(b.text("#state")) {
		b.t.Errorf("no date in %q", b.text("#state"))
	}
	b.press("[data-withdraw]")
	b.inLithuanian()
	b.open(path)
	b.press("#revoke")
	b.press("#revoke-confirm")
	b.inLithuanian()
	if got := b.text("#revoked-at"); !strings.Contains(got, time.Now().UTC().Format("15:")) {
		b.t.Errorf("it says %q", got)
	}
}

func TestLithuanianAsTheBrowserSays(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone, language: "lt-LT,lt,en"})
	b.inLithuanian()
	id := given(t, who, false, balances)
	if _, err := pulled(t, id); err != nil {
		t.Fatal(err)
	}
	b.lithuanianTour(id)
}

// What the customer chose goes before what the browser and the partner say.
func TestTheLanguageCanBeChosen(t *testing.T) {
	b := visit(t, how{size: phone})
	b.open("/login")
	if got := b.attribute("html", "lang"); got != "en" {
		t.Fatalf("the first page is in %q", got)
	}
	b.press(`[data-language="lt"]`)
	b.on("login")
	b.inLithuanian()
	if strings.Contains(b.address(), "lang=") {
		t.Errorf("the choice stays in the address: %s", b.address())
	}
	ask, err := set.messenger.Ask(within(t), detail(), url.Values{"ui_locales": {"en"}})
	must(t, err)
	b.open(ask.Link)
	b.on("askwho")
	if got := b.attribute("html", "lang"); got != "lt" {
		t.Errorf("after the choice the page is in %q", got)
	}
	b.press(`[data-language="en"]`)
	b.on("askwho")
	if got := b.attribute("html", "lang"); got != "en" {
		t.Errorf("after the choice the page is in %q", got)
	}
}
