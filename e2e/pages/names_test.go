package pages

import (
	"fmt"
	"strings"
	"testing"

	"sluice/e2e/stage"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// A partner may call itself what it likes. On every page that names it the name
// is text: it makes no element, turns nothing around, and breaks no phone's
// screen. Those two are checked of every page anyway (everypage_test.go).
func TestNamesThatPartnersGiveThemselvesAreHarmless(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	b.run(`window.hit = 0`)
	for i, c := range []struct{ name, shown, doubt string }{
		{"\u202Ereknab ruoY\u202C Ltd", "reknab ruoY Ltd", "name.invisible"},
		{"Mеssеnger", "Mеssеnger", "name.lookalike"},                   // with two Cyrillic letters
		{"\u0420\u0430\u0443\u0440\u0430\u04CF", "", "name.lookalike"}, // Cyrillic only
		{`<img src=x onerror="alert(1)"><b>Bank</b>`, `<img src=x onerror="alert(1)"><b>Bank</b>`, ""},
		{`"><script>document.title="x"</script>`, `"><script>document.title="x"</script>`, ""},
		{`{{.CSRF}} %s %!d`, `{{.CSRF}} %s %!d`, ""},
		{strings.Repeat("W", 100), strings.Repeat("W", 80) + "…", ""},
		{"\u200B\u2060\uFEFF", "", ""},
		{"الرسول", "الرسول", ""},
		{"Z" + strings.Repeat("\u0335", 60) + "algo", "", "name.invisible"},
	} {
		t.Run(fmt.Sprintf("%q", c.name), func(t *testing.T) {
			b := b.within(t)
			id := fmt.Sprintf("named-%d", i)
			asker, err := set.Asker(within(t), id, c.name)
			if err != nil {
				t.Logf("not registered: %v", err) // that is harmless too
				return
			}
			b.named(who, asker, c.name, c.shown, c.doubt)
		})
	}
}

// named goes through every page that names a partner.
func (b *tab) named(who person, asker *stage.Asker, name, shown, doubt string) {
	b.t.Helper()
	kinds := []datav1.DataCluster{accountBasic, balances}
	change := func(terms *consentv1.Terms) { terms.PurposeText = name + " <i>" + strings.Repeat("W", 60) }
	pending, err := asker.Ask(within(b.t), morava, change, kinds...)
	must(b.t, err)
	id, err := asker.Ask(within(b.t), morava, change, kinds...)
	must(b.t, err)
	_, err = customersOf(b.t).AuthorizeConsent(within(b.t), &customerv1.AuthorizeConsentRequest{
		CustomerId: who.customer, ConsentId: id, Shares: []*consentv1.Share{{AccountId: who.account, Clusters: kinds}},
	})
	must(b.t, err)
	b.templated = strings.ContainsAny(name, "{%")
	defer func() { b.templated = false }()

	b.open("/give/" + pending)
	if got := b.text("#who bdi"); shown != "" && got != shown {
		b.t.Errorf("the name is shown as %q, not %q", got, shown)
	}
	for _, hidden := range []string{"\u202E", "\u200B", "\u2060", "\uFEFF", "\u202C"} {
		if strings.Contains(evaluate[string](b, `document.documentElement.outerHTML`), hidden) {
			b.t.Errorf("the page has the invisible %q", hidden)
		}
	}
	if doubt != "" {
		b.need(`[data-doubt="` + doubt + `"]`)
	} else if b.has("[data-doubt]") {
		b.t.Errorf("the name is doubted: %s", b.attribute("[data-doubt]", "data-doubt"))
	}
	if b.has("main i") || b.has("main img") || b.has("main b") {
		b.t.Error("the name made elements")
	}
	path := "/consents/" + id
	for _, p := range []string{"/", path, path + "/narrow", path + "/renew", path + "/receipt", path + "/withdraw?account=" + who.account, "/stop", path + "/revoke"} {
		b.open(p)
	}
	b.press("#revoke-confirm")
	b.need("#revoked-at")
	b.open("/give/" + pending)
	b.press("#refuse")
	b.on("decided")
}
