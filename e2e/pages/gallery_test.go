package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/e2e/stage"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// gallery goes through every page there is, as a couple of customers meet it.
type gallery struct {
	*tab
	folder  string // for pictures; none are taken if empty
	hung    map[string]bool
	passing bool // nothing is looked at
	couple  couple
	atOdra  string

	live, paused, ended, ending, waits, waitsForMe, held, hidden string // consents
}

// How each page is looked at.
var looks = []struct {
	size size
	dark bool
}{{phone, false}, {phone, true}, {desktop, false}, {desktop, true}}

func TestEveryPageIsAccessible(t *testing.T) {
	for i, language := range []string{"en", "lt"} {
		t.Run(language, func(t *testing.T) {
			g := gallery{couple: two(t), hung: map[string]bool{}, atOdra: []string{"1029", "1039"}[i]}
			if dir := os.Getenv("SLUICE_SCREENSHOTS"); dir != "" {
				g.folder = filepath.Join(dir, language)
				must(t, os.MkdirAll(g.folder, 0o755))
			}
			h := how{size: phone}
			if language == "lt" {
				h.language = "lt"
			}
			g.tab = visit(t, h)
			g.before()
			g.furnish()
			g.asks()
			g.mine()
			g.forms()
			g.others(h)
			g.down()
			g.end()
			if len(g.hung) < 39 {
				t.Errorf("only %d pages were looked at", len(g.hung))
			}
		})
	}
}

// hang looks at the page that is there: rules of accessibility in light and dark,
// and pictures if they are wanted.
func (g *gallery) hang(name string) {
	g.t.Helper()
	if g.hung[name] {
		g.t.Fatalf("there are two pages %q", name)
	}
	g.hung[name] = true
	if g.passing {
		return
	}
	for _, l := range looks {
		if g.folder == "" && l.size == desktop && l.dark {
			continue
		}
		g.sized(l.size)
		g.dark(l.dark)
		theme := map[bool]string{false: "light", true: "dark"}[l.dark]
		if g.folder != "" {
			g.shoot(filepath.Join(g.folder, fmt.Sprintf("%s-%s-%s.png", name, l.size.name, theme)))
		}
		if l.size == desktop && l.dark {
			continue // its colours are the phone's, its layout that of the light
		}
		for _, v := range g.axe() {
			g.t.Errorf("%s, %s, %s: %s", name, l.size.name, theme, v)
		}
	}
	g.sized(phone)
	g.dark(false)
}

func (g *gallery) shoot(file string) {
	g.t.Helper()
	// What sticks to the lower edge is in its own place only at the end.
	g.run(`document.activeElement.blur(); scrollTo(0, document.querySelector(".compose") ? document.documentElement.scrollHeight : 0)`)
	ctx := g.ctx
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	must(g.t, err)
	must(g.t, os.WriteFile(file, picture, 0o644))
}

// axe is what axe-core finds wrong with the page, by the rules of WCAG 2.2 AA.
func (b *tab) axe() []string {
	b.t.Helper()
	b.run(`document.querySelectorAll("details").forEach(d => { d.open = true; }); document.querySelector(".compose") && scrollTo(0, document.documentElement.scrollHeight)`)
	if !evaluate[bool](b, `typeof axe === "object"`) {
		b.run(set.axe + ";void 0")
	}
	return evaluate[[]string](b, `axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		rules: {"target-size": {enabled: true}}, resultTypes: ["violations"], preload: false,
	}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 160) + ": " + n.failureSummary.replace(/\s+/g, " "))))`)
}

// The rules must be able to find something.
func TestWhatIsNotAccessibleIsFound(t *testing.T) {
	b := visit(t, how{size: phone})
	b.open("/login")
	b.run(`(() => {
		const main = document.querySelector("main"), add = (name, change) => { const e = document.createElement(name); change(e); main.append(e); };
		add("p", e => { e.textContent = "hardly to be read"; e.style.color = "#ccc"; });
		for (const n of [1, 2]) add("button", e => { e.setAttribute("aria-label", "tiny " + n); e.style.cssText = "width: 8px; height: 8px; padding: 0; border: 0; margin: 0"; });
		add("input", e => {});
	})()`)
	found := strings.Join(b.axe(), "\n")
	for _, rule := range []string{"color-contrast", "target-size", "label"} {
		if !strings.Contains(found, rule+":") {
			t.Errorf("%s was not found in:\n%s", rule, found)
		}
	}
}

// before is what is seen before anybody is logged in.
func (g *gallery) before() {
	g.open("/")
	g.hang("welcome")
	g.open("/login")
	g.hang("login")
	ask := request(g.t, nil)
	g.open(ask.Link)
	g.hang("ask-who")
	g.press("#to-bank")
	g.hang("bank-login")
	g.logIn(g.couple.owner)
	g.on("ask")
	g.open("/nothing/here")
	g.hang("message-nothing-here")
}

// furnish gives the couple something to see.
func (g *gallery) furnish() {
	t, me, other := g.t, person{g.couple.owner, g.couple.account}, person{g.couple.other, g.couple.account}
	kinds := []datav1.DataCluster{accountBasic, balances, transactionsBasic}
	give := func(by person, hidden bool, change func(*consentv1.Terms)) string {
		id := asked(t, change, kinds...)
		_, err := customersOf(t).AuthorizeConsent(within(t), &customerv1.AuthorizeConsentRequest{
			CustomerId: by.customer, ConsentId: id, HiddenFromCoHolders: hidden, Shares: []*consentv1.Share{{AccountId: by.account, Clusters: kinds}},
		})
		must(t, err)
		return id
	}
	agree := func(by person, id string) string {
		_, err := customersOf(t).AuthorizeConsent(within(t), &customerv1.AuthorizeConsentRequest{
			CustomerId: by.customer, ConsentId: id, Shares: []*consentv1.Share{{AccountId: by.account, Clusters: kinds}},
		})
		must(t, err)
		return id
	}
	soon := func(terms *consentv1.Terms) { terms.ValidUntil = timestamppb.New(time.Now().AddDate(0, 0, 12)) }
	g.live, g.hidden = agree(other, give(me, false, nil)), give(me, true, nil)
	g.ending = agree(other, give(me, false, soon))
	g.paused, g.ended = agree(other, give(me, false, nil)), agree(other, give(me, false, nil))
	g.waits, g.waitsForMe = give(me, false, nil), give(other, false, nil)
	g.held = agree(me, give(other, false, nil))
	for _, c := range []struct {
		id   string
		call func(id string) error
	}{
		{g.paused, func(id string) error {
			_, err := customersOf(t).PauseConsent(within(t), &customerv1.PauseConsentRequest{CustomerId: me.customer, ConsentId: id})
			return err
		}},
		{g.ended, func(id string) error {
			_, err := customersOf(t).RevokeConsent(within(t), &customerv1.RevokeConsentRequest{CustomerId: me.customer, ConsentId: id})
			return err
		}},
		{g.ending, func(id string) error {
			_, err := set.wallet.Consents.RenewConsent(within(t), &partnerv1.RenewConsentRequest{ConsentId: id, ValidUntil: timestamppb.New(time.Now().AddDate(0, 5, 0))})
			return err
		}},
	} {
		must(t, c.call(c.id))
	}
	for range 7 {
		_, err := pulled(t, g.live)
		must(t, err)
	}
	alone := set.wallet.Present(g.live)
	alone.Attendance = partnerv1.Attendance_ATTENDANCE_UNATTENDED
	for range 6 { // the last are refused: only four a day
		_, _ = set.wallet.Accounts.ListAccounts(within(t), &partnerv1.ListAccountsRequest{Access: alone})
	}
	_, _ = pulled(t, g.paused)
}

// asks is what is seen of requests.
func (g *gallery) asks() {
	wide := []datav1.DataCluster{accountBasic, datav1.DataCluster_DATA_CLUSTER_ACCOUNT_DETAILED, balances, transactionsBasic, datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED, datav1.DataCluster_DATA_CLUSTER_CARDS}
	long := func(terms *consentv1.Terms) { terms.ValidUntil = timestamppb.New(time.Now().AddDate(3, 0, 0)) }
	g.open("/give/" + asked(g.t, long, wide...))
	g.hang("ask")
	g.put("#look_back", "400")
	g.put("#until", "soon")
	g.press("#give")
	g.hang("ask-wrong")
	g.click(`fieldset[data-account="0"] input[data-kind="DATA_CLUSTER_BALANCES"]`)
	g.put("#look_back", "30")
	g.put("#until", day(0, 1, 0))
	g.press("#give")
	g.hang("decided-waiting")
	once := func(terms *consentv1.Terms) { terms.OneTime, terms.UnattendedPerDay, terms.RetentionDays = true, 0, 0 }
	g.open("/give/" + asked(g.t, once, accountBasic, balances))
	g.hang("ask-once")
	g.click(box(0, "BALANCES"))
	g.click("#hidden")
	g.press("#give")
	g.hang("decided-given")
	first := request(g.t, nil)
	g.open(first.Link)
	g.click("#hidden") // so that nobody is waited for
	g.giveLess()
	token, err := first.Token(within(g.t))
	must(g.t, err)
	g.open(widen(g.t, token).Link)
	g.need("#replaces")
	g.hang("ask-wider")
	id := asked(g.t, nil, accountBasic)
	again := g.another()
	g.open("/give/" + id)
	again.open("/give/" + id)
	g.press("#refuse")
	g.hang("decided-refused")
	again.press("#refuse")
	g.aside(again, "decided-again")
}

// aside looks at a page of another tab.
func (g *gallery) aside(b *tab, name string) {
	g.t.Helper()
	mine := g.tab
	g.tab = b
	g.hang(name)
	g.tab = mine
}

// mine is what is seen of consents.
func (g *gallery) mine() {
	g.open("/")
	g.need("#waiting", `[data-notice="hidden"]`, `[data-notice="renewal"]`)
	g.hang("dashboard")
	g.open("/consents/" + g.live)
	g.eventually("[data-refused]")
	g.hang("consent")
	for name, id := range map[string]string{"paused": g.paused, "ended": g.ended, "ending": g.ending, "waits": g.waits, "hidden": g.hidden} {
		g.open("/consents/" + id)
		g.hang("consent-" + name)
	}
	for name, id := range map[string]string{"asks-me": g.waitsForMe, "of-others": g.held} {
		g.open("/consents/" + id)
		g.hang("consent-" + name)
	}
	g.open("/consents/" + g.live + "/receipt")
	g.hang("receipt")
}

// forms is what is seen of changes.
func (g *gallery) forms() {
	path := "/consents/" + g.live
	g.open(path + "/narrow")
	g.hang("narrow")
	g.put("#look_back", "0")
	g.press("button#narrow")
	g.hang("narrow-wrong")
	g.open("/consents/" + g.ending + "/renew")
	g.hang("renew")
	g.put("#until", "never")
	g.press("button#renew")
	g.hang("renew-wrong")
	g.open(path)
	g.press("#pause")
	g.hang("consent-said")
	g.press("[data-withdraw]")
	g.hang("withdraw")
	g.open(path + "/revoke")
	g.hang("revoke")
	old := g.another()
	old.open(path)
	g.press("#revoke-confirm")
	g.hang("revoked")
	old.press("#resume")
	g.aside(old, "message-not-possible")
	g.open(path)
	g.hang("consent-revoked")
	g.open("/stop")
	g.put(`form[action="/stop"] [name=csrf]`, "no")
	g.press("#stop-confirm")
	g.hang("message-not-yours")
}

// others is what is seen in another's browser.
func (g *gallery) others(h how) {
	ask := request(g.t, nil)
	g.open(ask.Link)
	other := visit(g.t, h)
	other.open(g.address())
	g.aside(other, "message-other-browser")
}

// down is what is seen while a bank does not answer.
func (g *gallery) down() {
	if g.how.language == "lt" {
		return // the bank does not come back
	}
	ask, err := set.messenger.Ask(within(g.t), stage.Detail(odra, "ACCOUNT_BASIC", "BALANCES"), nil)
	must(g.t, err)
	g.open(ask.Link)
	g.press("#to-bank")
	g.logIn(g.atOdra)
	g.on("ask")
	g.click(box(0, "BALANCES"))
	g.press("#give")
	g.back()
	second, err := set.messenger.Ask(within(g.t), stage.Detail(odra, "ACCOUNT_BASIC", "BALANCES"), nil)
	must(g.t, err)
	g.open(second.Link)
	set.StopBank(odra)
	g.open(g.address())
	g.need("#bank-down")
	g.hang("ask-bank-down")
	g.open("/")
	g.need("[data-bank-down]")
	g.hang("dashboard-bank-down")
}

// end is what is seen last.
func (g *gallery) end() {
	g.open("/stop")
	g.hang("stop")
	g.press("#stop-confirm")
	g.hang("stopped")
	g.open("/logout")
	g.hang("logout")
	g.press("main form button")
	g.hang("logged-out")
	names := make([]string, 0, len(g.hung))
	for n := range g.hung {
		names = append(names, n)
	}
	slices.Sort(names)
	g.t.Logf("%d pages: %s", len(names), strings.Join(names, ", "))
}
