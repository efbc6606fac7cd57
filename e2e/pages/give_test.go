package pages

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"sluice/e2e/stage"
	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// request is what the messenger asks for in most tests.
func request(t *testing.T, more url.Values) *stage.Ask {
	t.Helper()
	ask, err := set.messenger.Ask(within(t), detail(), more)
	must(t, err)
	return ask
}

func detail() map[string]any {
	return stage.Detail(morava, "ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_BASIC")
}

// giveLess gives basics and balances of the first account, of what request asks.
func (b *tab) giveLess() {
	b.t.Helper()
	b.click(box(0, "ACCOUNT_BASIC"))
	b.click(box(0, "BALANCES"))
	b.press("#give")
	b.back()
}

func TestLessThanAskedIsWhatThePartnerGets(t *testing.T) {
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, three)
	if n := evaluate[int](b, `document.querySelectorAll('input[name="share"]').length`); n != 9 {
		t.Fatalf("%d boxes for three accounts and three kinds", n)
	}
	if n := evaluate[int](b, `document.querySelectorAll('input[name="share"]:checked, #hidden:checked').length`); n != 0 {
		t.Fatalf("%d boxes are ticked before the customer ticked any", n)
	}
	for _, words := range []string{"Messenger", "checked by Sluice Testing", "Show you what you have, right in your chats.", "To show you your accounts in one place", "up to 4 times a day", "30 days, then it must be deleted"} {
		if !strings.Contains(b.text("main"), words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	b.giveLess()

	token, err := ask.Token(within(t))
	must(t, err)
	if len(token.Shares) != 1 {
		t.Fatalf("the token answer has %v", token.Details)
	}
	var account string
	for id, kinds := range token.Shares {
		account = id
		if d := cmp.Diff([]string{"ACCOUNT_BASIC", "BALANCES"}, sorted(kinds)); d != "" {
			t.Errorf("kinds in the token answer: %s", d)
		}
	}
	ctx := token.With(within(t))
	list, err := set.messenger.Accounts.ListAccounts(ctx, &partnerv1.ListAccountsRequest{Access: token.Present()})
	must(t, err)
	held, err := token.Balances(within(t))
	must(t, err)
	if len(list.GetAccounts()) != 1 || list.GetAccounts()[0].GetAccountId() != account || len(held.GetAccounts()) != 1 || held.GetAccounts()[0].GetAccountId() != account {
		t.Errorf("pulled %v and %v, not %s alone", list.GetAccounts(), held.GetAccounts(), account)
	}
	_, err = set.messenger.Accounts.ListTransactions(ctx, &partnerv1.ListTransactionsRequest{Access: token.Present(), AccountId: account})
	if reason(err) != "CLUSTER_NOT_COVERED" {
		t.Errorf("transactions: %v", err)
	}
	now := stands(t, three, token.Consent)
	if len(now.GetShares()) != 1 || len(now.GetShares()[0].GetClusters()) != 2 || now.GetStatus() != consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE {
		t.Errorf("the consent is %v", now)
	}

	b.open("/consents/" + token.Consent)
	if got := evaluate[[]string](b, `[...document.querySelectorAll("#shares [data-kind]")].map(e => e.dataset.kind)`); !slices.Equal(got, []string{"DATA_CLUSTER_ACCOUNT_BASIC", "DATA_CLUSTER_BALANCES"}) {
		t.Errorf("the page shows %v", got)
	}
	if n := evaluate[int](b, `document.querySelectorAll("[data-disclosure]").length`); n != 2 {
		t.Errorf("%d disclosures are shown, of two pulls", n)
	}
	b.eventually("[data-refused]") // refusals are written down in batches
	if refused := b.attribute("[data-refused]", "data-refused"); refused != "refused.CLUSTER_NOT_COVERED" {
		t.Errorf("what was refused is shown as %q", refused)
	}
}

func TestRefusingSharesNothing(t *testing.T) {
	who := somebody(t)
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, who.customer)
	b.press("#refuse")
	b.back()
	came, err := ask.Answer(within(t))
	must(t, err)
	if came.Get("error") != "access_denied" || came.Get("code") != "" {
		t.Errorf("the partner got %v", came)
	}
	b.open("/")
	if n := evaluate[int](b, `document.querySelectorAll('[data-state="CONSENT_STATUS_REJECTED"]').length`); n != 1 {
		t.Errorf("the refusal is shown %d times", n)
	}
}

func TestEverythingWorksWithoutScripts(t *testing.T) {
	ask := request(t, nil)
	b := visit(t, how{size: phone, noScripts: true})
	b.begin(ask.Link, three)
	if evaluate[bool](b, `(() => { const s = document.createElement("script"); s.textContent = "window.ran = true"; document.head.append(s); s.remove(); return window.ran === true; })()`) {
		t.Fatal("scripts run")
	}
	b.press("#all")
	if n := evaluate[int](b, `document.querySelectorAll('input[name="share"]:checked').length`); n != 9 {
		t.Fatalf("%d boxes are ticked after all of them were", n)
	}
	b.press("#none")
	b.press("#give")
	b.need("#problems", "#shares-wrong")
	b.giveLess()
	token, err := ask.Token(within(t))
	must(t, err)
	if len(token.Shares) != 1 {
		t.Fatalf("shares %v", token.Shares)
	}
	if _, err := token.Balances(within(t)); err != nil {
		t.Fatal(err)
	}
	b.open("/")
	b.press(`[data-consent="` + token.Consent + `"] h3 a`)
	b.press("#pause")
	b.need(`#state[data-state="CONSENT_STATUS_PAUSED"]`, `#said[data-said="done.paused"]`)
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_PAUSED" {
		t.Errorf("while paused: %v", err)
	}
	b.press("#resume")
	b.press("#narrow")
	b.click(box(0, "ACCOUNT_BASIC"))
	b.press("button#narrow")
	b.need(`#said[data-said="done.narrowed"]`)
	b.press("#renew")
	b.put("#until", time.Now().AddDate(0, 8, 0).Format(time.DateOnly))
	b.press("button#renew")
	b.need(`#said[data-said="done.renewed"]`)
	b.press("a#receipt")
	b.on("receipt")
	b.open("/consents/" + token.Consent)
	b.press("#revoke")
	b.press("#revoke-confirm")
	b.need("#revoked-at")
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_REVOKED" {
		t.Errorf("after the revoke: %v", err)
	}
	b.press("#logout")
	b.need(`#message[data-message="logout.done"]`)
	b.open("/")
	b.on("welcome")
}

// widen asks for more in place of what a token is for.
func widen(t *testing.T, token *stage.Token) *stage.Ask {
	t.Helper()
	wider := stage.Detail(morava, "ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_DETAILED")
	wider["look_back_days"] = 180
	ask, err := set.messenger.Ask(within(t), wider, url.Values{"grant_management_action": {"replace"}, "grant_id": {token.Grant}})
	must(t, err)
	return ask
}

func TestAWiderRequestShowsWhatChanges(t *testing.T) {
	who := somebody(t)
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, who.customer)
	b.giveLess()
	old, err := ask.Token(within(t))
	must(t, err)

	ask = widen(t, old)
	b.open(ask.Link)
	if got := b.text("#replaces-new"); !strings.Contains(got, said("kind.TRANSACTIONS_DETAILED")) || strings.Contains(got, said("kind.BALANCES")) {
		t.Errorf("the page says of what is new: %q", got)
	}
	if n := evaluate[int](b, `document.querySelectorAll('input[name="share"]:checked').length`); n != 0 {
		t.Errorf("%d boxes are ticked", n)
	}
	b.press("#refuse")
	b.back()
	if _, err := old.Balances(within(t)); err != nil {
		t.Errorf("after the wider one was refused: %v", err)
	}

	ask = widen(t, old)
	b.open(ask.Link)
	b.click(box(0, "BALANCES"))
	b.click(box(0, "TRANSACTIONS_DETAILED"))
	b.press("#give")
	b.back()
	now, err := ask.Token(within(t))
	must(t, err)
	if _, err := now.Balances(within(t)); err != nil {
		t.Errorf("with the wider one: %v", err)
	}
	if _, err := old.Balances(within(t)); err == nil {
		t.Error("the token of the narrower one is still good")
	}
	b.open("/consents/" + old.Consent)
	b.need(`#state[data-state="CONSENT_STATUS_SUPERSEDED"]`)
}

// given twice: with a hand that trembles, and by two requests at once.
func TestADecisionSentTwiceIsMadeOnce(t *testing.T) {
	who := somebody(t)
	var b *tab
	for _, scripts := range []bool{true, false} {
		id := asked(t, nil, accountBasic, balances)
		b = loggedIn(t, who.customer, how{size: phone, noScripts: !scripts})
		b.open("/give/" + id)
		b.click(box(0, "BALANCES"))
		at := b.middle("#give")
		b.mark()
		b.do(twice(at)...)
		b.arrived()
		b.on("decided")
		if got := changes(t, who.customer, id); len(got) != 2 {
			t.Errorf("scripts %v: the consent went through %v", scripts, got)
		}
	}

	id := asked(t, nil, accountBasic, balances)
	b.open("/give/" + id)
	form := url.Values{"csrf": {b.attribute("#consent-form [name=csrf]", "value")}, "revision": {b.attribute("#consent-form [name=revision]", "value")}, "do": {"give"}, "share": {b.attribute(box(0, "BALANCES"), "value")}}
	client := b.client()
	var wait sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		wait.Go(func() {
			resp, err := client.PostForm(set.URL+"/give/"+id, form)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			statuses[i] = resp.StatusCode
		})
	}
	wait.Wait()
	slices.Sort(statuses)
	if want := []int{303, 409, 409, 409, 409, 409, 409, 409}; !slices.Equal(statuses, want) {
		t.Errorf("eight at once were answered %v", statuses)
	}
	if got := changes(t, who.customer, id); len(got) != 2 {
		t.Errorf("the consent went through %v", got)
	}
}

func TestGoingBackAfterADecisionDecidesNothing(t *testing.T) {
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, three)
	b.giveLess()
	token, err := ask.Token(within(t))
	must(t, err)
	before := stands(t, three, token.Consent)
	for range 2 {
		b.mark()
		b.run(`history.back()`)
		b.arrived()
		if b.has("#consent-form") {
			// The browser shows what it kept; sending it must be refused.
			b.press("#refuse")
			b.need("#decided[data-again], #message")
		}
	}
	if d := cmp.Diff(before.GetRevision(), stands(t, three, token.Consent).GetRevision()); d != "" {
		t.Errorf("the consent changed: %s", d)
	}
	b.open(ask.Link)
	if b.has("#consent-form") {
		t.Error("the link can be used again")
	}
}

func TestAnotherBrowserCannotAnswerARequest(t *testing.T) {
	ask := request(t, nil)
	b := visit(t, how{size: phone})
	b.begin(ask.Link, three)
	at := b.address()
	other := visit(t, how{size: phone})
	other.open(at)
	other.need(`#message[data-message="error.ask"]`)
	other.open(ask.Link)
	if other.has("#consent-form") || other.has("#to-bank") {
		t.Errorf("another browser sees the request:\n%s", other.mustText())
	}
	for _, words := range []string{"Messenger", "Show you what"} {
		if strings.Contains(other.mustText(), words) {
			t.Errorf("another browser is told %q", words)
		}
	}
	b.giveLess()
	if _, err := ask.Token(within(t)); err != nil {
		t.Errorf("the request's own browser: %v", err)
	}
}

// client sends requests as the browser would, with its cookies.
func (b *tab) client() *http.Client {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	must(b.t, err)
	var got network.GetCookiesResult
	must(b.t, b.call(func(ctx context.Context, s cdp.Session) error {
		var err error
		got, err = cdp.Call(ctx, s, network.GetCookies, network.GetCookiesParams{URLs: []string{set.URL}})
		return err
	}))
	at, err := url.Parse(set.URL)
	must(b.t, err)
	for _, c := range got.Cookies {
		jar.SetCookies(at, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/", Secure: true}})
	}
	return &http.Client{
		Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: sameOrigin{&http.Transport{TLSClientConfig: &tls.Config{RootCAs: set.CA.Roots()}}},
	}
}

// sameOrigin says of each request what a browser says of one from our own page.
type sameOrigin struct{ next http.RoundTripper }

func (s sameOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Origin", set.URL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("as a browser: %w", err)
	}
	return resp, nil
}

// twice clicks twice in one place, faster than a page comes.
func twice(at []float64) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{chromedp.MouseClickXY(at[0], at[1]), chromedp.MouseClickXY(at[0], at[1])}
}
