package pages

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	consentv1 "sluice/gen/sluice/consent/v1"
)

// bad is one way to send a form wrongly.
type bad struct {
	name   string
	form   string            // its path
	put    map[string]string // what is put into fields, by selector
	clicks []string          // boxes to click first
	press  string            // the button
	field  string            // where the page says what is wrong
	words  string            // and how
	then   map[string]string // what the fields hold afterwards
}

func day(years, months, days int) string {
	return time.Now().UTC().AddDate(years, months, days).Format(time.DateOnly)
}

func consentForms(path string) []bad {
	tick := []string{box(0, "BALANCES")}
	days := func(value string) bad {
		return bad{
			name: "days " + value, form: path, clicks: tick, put: map[string]string{"#look_back": value}, press: "#give",
			field: "look_back", words: "Choose between 1 and 90 days of the past.", then: map[string]string{"#look_back": value},
		}
	}
	until := func(value string) bad {
		return bad{
			name: "until " + value, form: path, clicks: tick, put: map[string]string{"#until": value}, press: "#give",
			field: "until", words: "Choose a day from today to", then: map[string]string{"#until": value},
		}
	}
	return []bad{
		{name: "nothing ticked", form: path, press: "#give", field: "shares", words: "Tick at least one kind of data, or refuse."},
		{name: "another's account ticked", form: path, clicks: tick, put: map[string]string{box(0, "BALANCES"): "BALANCES:A1"}, press: "#give", field: "shares", words: "Something was ticked that is not on this page."},
		{name: "a kind that was not asked for", form: path, clicks: tick, put: map[string]string{box(0, "BALANCES"): "STATEMENTS:A1"}, press: "#give", field: "shares", words: "not on this page"},
		days("0"), days("91"), days("-1"), days("many"), days("1.5"), days("99999999999999999999"), days(`"><b>x`),
		until(day(0, 0, -1)), until(day(2, 0, 0)), until("soon"), until("2026-02-30"), until("0000-00-00"),
		{name: "another revision", form: path, clicks: tick, put: map[string]string{"#consent-form [name=revision]": "7"}, press: "#give", field: "give", words: "This was changed in between."},
		{name: "no revision", form: path, clicks: tick, put: map[string]string{"#consent-form [name=revision]": ""}, press: "#give", field: "give", words: "This was changed in between."},
		{name: "days and end at once", form: path, clicks: tick, put: map[string]string{"#look_back": "0", "#until": "never"}, press: "#give", field: "until", words: "Choose a day", then: map[string]string{"#look_back": "0", "#until": "never"}},
	}
}

func narrowForms(path string) []bad {
	return []bad{
		{name: "nothing left", form: path, clicks: []string{box(0, "ACCOUNT_BASIC"), box(0, "BALANCES"), box(0, "TRANSACTIONS_BASIC")}, press: "button#narrow", field: "shares", words: "Nothing would be left."},
		{name: "nothing less", form: path, press: "button#narrow", field: "shares", words: "Nothing would be less than it is now."},
		{name: "more than there is", form: path, put: map[string]string{box(0, "BALANCES"): "STATEMENTS:A1"}, press: "button#narrow", field: "shares", words: "not on this page"},
		{name: "more days", form: path, put: map[string]string{"#look_back": "91"}, press: "button#narrow", field: "look_back", words: "Choose between 1 and 90", then: map[string]string{"#look_back": "91"}},
		{name: "no days", form: path, put: map[string]string{"#look_back": "none"}, press: "button#narrow", field: "look_back", words: "Choose between 1 and 90", then: map[string]string{"#look_back": "none"}},
		{name: "a later end", form: path, put: map[string]string{"#until": day(1, 0, 0)}, press: "button#narrow", field: "until", words: "Choose a day from today to", then: map[string]string{"#until": day(1, 0, 0)}},
		{name: "another revision", form: path, clicks: []string{box(0, "BALANCES")}, put: map[string]string{"#narrow-form [name=revision]": "1"}, press: "button#narrow", field: "narrow", words: "This was changed in between."},
	}
}

func renewForms(path string) []bad {
	until := func(value string) bad {
		return bad{
			name: "until " + value, form: path, put: map[string]string{"#until": value}, press: "button#renew",
			field: "until", words: "Choose a day after", then: map[string]string{"#until": value},
		}
	}
	return []bad{
		until(""), until(day(0, 0, 3)), until(day(1, 0, 5)), until("later"), until("9999-12-31"),
		{name: "another revision", form: path, put: map[string]string{"#until": day(0, 6, 0), "#renew-form [name=revision]": "1"}, press: "button#renew", field: "renew", words: "This was changed in between."},
	}
}

func TestBadInputIsSaidAtTheFieldAndChangesNothing(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	pending := asked(t, nil, accountBasic, balances, transactionsBasic)
	id := given(t, who, false, accountBasic, balances, transactionsBasic)
	path := "/consents/" + id
	before := stands(t, who.customer, id)
	for _, f := range slices.Concat(consentForms("/give/"+pending), narrowForms(path+"/narrow"), renewForms(path+"/renew")) {
		t.Run(strings.ReplaceAll(strings.Trim(f.form, "/"), "/", " ")[:4]+" "+f.name, func(t *testing.T) {
			b := b.within(t)
			b.open(f.form)
			for _, c := range f.clicks {
				b.click(c)
			}
			for selector, value := range f.put {
				b.put(selector, value)
			}
			ticked := b.ticked()
			b.press(f.press)
			if at := b.last(); at.status != 400 {
				t.Errorf("the status is %d", at.status)
			}
			b.need("#problems a[href='#" + f.field + "']")
			if got := b.text("#" + f.field + "-wrong"); !strings.Contains(got, f.words) {
				t.Errorf("at the field it says %q, not %q", got, f.words)
			}
			if title := evaluate[string](b, `document.title`); !strings.HasPrefix(title, said("problems.prefix")) {
				t.Errorf("the title does not say that something is wrong: %q", title)
			}
			for selector, value := range f.then {
				if got := b.attribute(selector, "value"); got != value {
					t.Errorf("%s holds %q, not %q", selector, got, value)
				}
				if b.attribute(selector, "aria-invalid") != "true" {
					t.Errorf("%s is not marked as wrong", selector)
				}
			}
			if now := b.ticked(); f.field != "shares" && !slices.Equal(now, ticked) {
				t.Errorf("ticked are %v, and were %v", now, ticked)
			}
		})
	}
	b.unchanged(who, before, pending)
}

func (b *tab) ticked() []string {
	b.t.Helper()
	return evaluate[[]string](b, `[...document.querySelectorAll("input[type=checkbox]:checked")].map(e => e.id)`)
}

// within is the tab within a test of the test.
func (b *tab) within(t *testing.T) *tab {
	outer := b.t
	b.t = t
	t.Cleanup(func() { b.t = outer })
	return b
}

// unchanged requires that a consent is as it was, and that another still waits.
func (b *tab) unchanged(who person, was *consentv1.Consent, pending string) {
	b.t.Helper()
	now := stands(b.t, who.customer, was.GetConsentId())
	if now.GetRevision() != was.GetRevision() || now.GetStatus() != was.GetStatus() || !now.GetValidUntil().AsTime().Equal(was.GetValidUntil().AsTime()) {
		b.t.Errorf("the consent was %v and is %v", was, now)
	}
	b.open("/give/" + pending)
	b.need("#consent-form")
}

// Forms that no page of ours sends are answered with a page that says so.
func TestFormsThatAreNotOursAreRefused(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	pending := asked(t, nil, balances)
	id := given(t, who, false, balances)
	path := "/consents/" + id
	before := stands(t, who.customer, id)
	forms := []struct{ at, form, button string }{
		{"/give/" + pending, "#consent-form", "#refuse"},
		{path, `form[action$="/pause"]`, "#pause"},
		{path + "/narrow", "#narrow-form", "button#narrow"},
		{path + "/renew", "#renew-form", "button#renew"},
		{path + "/revoke", `form[action$="/revoke"]`, "#revoke-confirm"},
		{"/stop", `form[action="/stop"]`, "#stop-confirm"},
		{"/", `form[action="/logout"]`, "#logout"},
		{path + "/withdraw?account=" + who.account, `form[action$="/withdraw"]`, "#withdraw-confirm"},
	}
	for _, f := range forms {
		b.open(f.at)
		b.put(f.form+" [name=csrf]", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
		b.press(f.button)
		b.need(`#message[data-message="error.403"]`)
	}
	for _, f := range forms[1:3] {
		b.open(f.at)
		b.put(f.form+" [name=revision]", "x")
		b.press(f.button)
		b.need(`#message, #problems`)
	}
	b.open("/give/" + pending)
	b.put("#give", "perhaps")
	b.press("#give")
	b.need(`#message[data-message="error.400"]`)
	b.open("/give/" + pending)
	b.run(`document.querySelector("#look_back, #until").type = "text"; document.querySelector("#look_back, #until").value = "x".repeat(600000)`)
	b.press("#give")
	b.need(`#message[data-message="error.413"]`)
	for _, p := range []string{"/consents/" + strings.Repeat("x", 300), "/consents/%00", "/consents/..%2f..%2fetc", "/give/%3Cscript%3E", "/ask/none", "/login/none", "/login/callback?state=x&code=y", "/nothing", path + "/withdraw?account=A1", path + "?before=x&done=hacked"} {
		b.open(p)
		if at := b.last(); at.status >= 500 {
			t.Errorf("%s is answered %d", p, at.status)
		}
		if b.page() != "message" && !strings.Contains(p, "?done") && !strings.Contains(p, "before=") {
			t.Errorf("%s is the page %q", p, b.page())
		}
	}
	b.unchanged(who, before, pending)
}

func TestAFormThatIsOldChangesNothing(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	id := given(t, who, false, accountBasic, balances, transactionsBasic)
	path := "/consents/" + id
	old := b.another()
	old.open(path + "/narrow")
	pause := b.another()
	pause.open(path)
	renew := b.another()
	renew.open(path + "/renew")

	b.open(path + "/narrow")
	b.click(box(0, "TRANSACTIONS_BASIC"))
	b.press("button#narrow")
	b.need(`#said[data-said="done.narrowed"]`)
	now := stands(t, who.customer, id)

	old.click(box(0, "BALANCES"))
	old.press("button#narrow")
	if got := old.text("#problems"); !strings.Contains(got, "changed in between") && !strings.Contains(got, "not on this page") {
		t.Errorf("the old form is answered %q", got)
	}
	pause.press("#pause")
	pause.need(`#message[data-message="error.conflict"]`)
	renew.put("#until", day(0, 7, 0))
	renew.press("button#renew")
	renew.need("#renew-wrong")
	if then := stands(t, who.customer, id); then.GetRevision() != now.GetRevision() || then.GetStatus() != now.GetStatus() {
		t.Errorf("the consent was %v and is %v", now, then)
	}
	// The page that came instead is of now, and works.
	old.open(path + "/narrow")
	old.click(box(0, "BALANCES"))
	old.press("button#narrow")
	old.need(`#said[data-said="done.narrowed"]`)
	// What is taken back is taken back, however old the page is.
	gone := b.another()
	gone.open(path + "/revoke")
	b.open(path)
	b.press("#pause")
	gone.press("#revoke-confirm")
	gone.need("#revoked-at")
}

func TestAWrongLoginIsSaidAndLeadsNowhere(t *testing.T) {
	b := visit(t, how{size: phone})
	b.open("/login/" + morava)
	b.fill("#customer", "9593")
	b.fill("#password", "guess")
	b.fill("#code", "000000")
	b.press(`button[name="login"]`)
	b.need("#notice")
	b.press(`button[name="cancel"]`)
	b.need(`#message[data-message="error.login_cancelled"]`)
	b.open("/")
	b.on("welcome")
	if got := fmt.Sprint(b.heardFaults()); got != "[]" {
		t.Error(got)
	}
}
