package messenger_test

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func TestOnlyTheBrowserThatBeganIsConnected(t *testing.T) {
	w := newWorld(t)
	back := w.begin(w.page, "morava", "money")
	for name, browser := range map[string]*http.Client{"a stranger": w.browser(), "another customer": w.browser()} {
		if name == "another customer" {
			w.postAs(browser, "/ask", "text", "help")
		}
		if got := w.getAs(browser, back); got.status != http.StatusBadRequest || strings.Contains(w.getAs(browser, "/share").text, "con_") {
			t.Errorf("%s who comes back is answered %d", name, got.status)
		}
	}
	if got := w.getAs(w.page, strings.Replace(back, "&iss=", "&iss=https://evil.example/", 1)); got.status != http.StatusBadRequest {
		t.Errorf("another issuer's answer is answered %d", got.status)
	}
	w.getAs(w.page, back).must(t, "Morava is connected", "One more question", `href="/connect/morava/service"`)
	if got := w.getAs(w.page, back); got.status != http.StatusBadRequest {
		t.Errorf("coming back twice answers %d", got.status)
	}
}

func TestANoIsTakenAsOne(t *testing.T) {
	w := newWorld(t)
	back, _, _ := strings.Cut(w.begin(w.page, "morava", "money"), "&code=")
	w.getAs(w.page, back+"&error=access_denied&iss="+w.g.http.URL).must(t, "You said no, and nothing is shared.")
	w.get("/share").must(t, "You share nothing.")
}

func TestFormsOfOtherSitesAreNotTaken(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	for _, path := range []string{"/ask", "/talk/" + consent, "/alerts/" + consent, "/share/" + consent + "/end"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader("text=x&choice=WAS_ME"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		if got := w.do(w.page, r); got.status != http.StatusForbidden {
			t.Errorf("%s answers another site's form %d", path, got.status)
		}
	}
	if w.g.consents[consent].GetStatus() != consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE || len(w.g.messages) != 0 {
		t.Error("it was done all the same")
	}
}

func TestACustomerEndsWhatHeSharesFromTheChat(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	consent := w.connect("morava", "money")
	w.post("/ask", "text", "How much do I have?").must(t, "42.50")
	w.get("/share").must(t, "Morava: See my money", "balances", "https://share.example/consents/"+consent, "/share/"+consent+"/end")
	w.get("/share/"+consent+"/end").must(t, "Stop sharing with Morava?")
	w.post("/share/"+consent+"/end").must(t, "ended", "you ended it here.")
	if got := w.g.consents[consent].GetStatus(); got != consentv1.ConsentStatus_CONSENT_STATUS_REVOKED {
		t.Errorf("at the gateway it is %v", got)
	}
	w.get("/").mustNot(t, "42.50")
	w.get("/holds").must(t, "Nothing.")
	w.get("/connect").must(t, `href="/connect/morava/money"`)
}

func TestAnEndThatTheGatewayDidNotHearIsSaidAgainAndNothingGoesOnMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	consent := w.connect("morava", "service")
	w.get("/").must(t, "SHADY SHOP")
	w.g.unready["RevokeConsent"] = status.Error(codes.Unavailable, "not now")
	w.post("/share/"+consent+"/end").must(t, "you ended it here", "tried again")
	w.get("/").mustNot(t, "SHADY SHOP", "This goes on")
	w.run()
	w.g.tell(w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE), consentv1.ChangeKind_CHANGE_KIND_NARROW)
	w.get("/").mustNot(t, "SHADY SHOP")
	w.get("/holds").must(t, "Nothing.")
	w.chat.Tidy(t.Context())
	delete(w.g.unready, "RevokeConsent")
	w.chat.Tidy(t.Context())
	if got := w.g.consents[consent].GetStatus(); got != consentv1.ConsentStatus_CONSENT_STATUS_REVOKED {
		t.Errorf("at the gateway it is %v", got)
	}
	w.get("/connect").must(t, `href="/connect/morava/service"`)
}

func TestWhoComesBackStaysKnown(t *testing.T) {
	w := newWorld(t)
	w.connect("morava", "money")
	for _, page := range []string{"/", "/share"} {
		if again := w.get(page).header.Get("Set-Cookie"); !strings.HasPrefix(again, "chat=") || !strings.Contains(again, "Max-Age=2592000") {
			t.Errorf("%s sets %q", page, again)
		}
	}
}

func TestTheHoldingPageListsExactlyWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.connect("morava", "money")
	consent := w.connect("morava", "service")
	w.post("/ask", "text", "How much do I have?")
	w.post("/talk/"+consent, "client_id", "c1", "text", "Hello")
	w.post("/talk/"+consent, "client_id", "c2", "text", "Hello again")
	page := w.get("/holds")
	page.must(t, "25 Nov 2026, 12:00", "2 Dec 2026, 12:00", "25 Dec 2026, 12:00")
	for what, n := range map[string]int{"Answer: balances": 1, "Fraud warning": 1, "Name of an account": 2, "A conversation: its": 1, "Messages: 2": 1, "Name of acc_current ****5399": 3} {
		if got := strings.Count(page.text, what); got != n {
			t.Errorf("%q is listed %d times, not %d", what, got, n)
		}
	}
}

func TestPagesAreInTheCustomersLanguage(t *testing.T) {
	w := newWorld(t)
	w.get("/?lang=lt").must(t, `<html lang="lt">`, "Klauskite apie savo pinigus")
	w.get("/").must(t, `<html lang="lt">`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "lt-LT,en;q=0.5")
	w.do(w.browser(), r).must(t, `<html lang="lt">`)
	w.g.balances = append(w.g.balances, balanceOf(account1, 1234567))
	w.connect("morava", "money")
	w.post("/ask", "text", "Kiek turiu pinigų?").must(t, "1\u00a0234\u00a0567,50\u00a0CZK", "Morava: kiek turite")
}

func TestPagesLetNothingElseIn(t *testing.T) {
	w := newWorld(t)
	page := w.get("/")
	if csp := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
		t.Errorf("the policy is %q", csp)
	}
	if page.header.Get("Cache-Control") != "no-store" || page.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the headers are %v", page.header)
	}
	for _, inline := range []string{" style=", "<style", "onclick", "javascript:"} {
		page.mustNot(t, inline)
	}
	asked := w.post("/ask", "text", "help")
	asked.must(t, "You can ask")
	if got := w.get("/nowhere"); got.status != http.StatusNotFound {
		t.Errorf("a page that there is not answers %d", got.status)
	}
}

func TestAnOpenPageIsToldThatThereIsSomethingNewAndNoMore(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.page.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
		return lines.Text()
	}
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("the stream is %s", resp.Header.Get("Content-Type"))
	}
	version := func() string {
		if a, b := next(), next(); a != "retry: 2000" || b != "event: at" {
			t.Errorf("it says %q, %q", a, b)
		}
		n, told := strings.CutPrefix(next(), "data: ")
		if _, err := strconv.Atoi(n); err != nil || !told || next() != "" {
			t.Errorf("it says %q", n)
		}
		return n
	}
	first := version()
	w.g.deliver(alertEvent(partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, consent, w.g.question("W1")))
	now := version()
	if now == first {
		t.Error("there is nothing new")
	}
	w.get("/").must(t, `data-version="`+now+`"`)
}

func TestAStrangerIsToldNothing(t *testing.T) {
	w := newWorld(t)
	if got := w.getAs(w.browser(), "/events"); got.status != http.StatusNoContent {
		t.Errorf("a stranger's stream answers %d", got.status)
	}
}

func TestABankIsNotAskedToAgreeTwice(t *testing.T) {
	w := newWorld(t)
	w.connect("morava", "money")
	if got := w.get("/connect/morava/money"); got.at != "/share" {
		t.Errorf("connecting again leads to %s", got.at)
	}
	for _, path := range []string{"/connect/nobody/money", "/connect/morava/nothing"} {
		if got := w.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s answers %d", path, got.status)
		}
	}
}

func TestAConsentEndsByTimeWithoutAWord(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	w.connect("morava", "service")
	w.get("/").must(t, "SHADY SHOP")
	w.g.pass(91 * 24 * time.Hour)
	w.get("/").mustNot(t, "SHADY SHOP")
}

func TestWhoDoesNotComeBackIsForgottenAndWhatHeSharedGivenUp(t *testing.T) {
	w := newWorld(t)
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	consent := w.connect("morava", "service")
	w.get("/").must(t, "SHADY SHOP")
	w.g.pass(29 * 24 * time.Hour)
	w.chat.Tidy(t.Context())
	if got := w.g.consents[consent].GetStatus(); got != consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE {
		t.Fatalf("too early it is %v", got)
	}
	w.g.pass(24 * time.Hour)
	w.chat.Tidy(t.Context())
	if got := w.g.consents[consent].GetStatus(); got != consentv1.ConsentStatus_CONSENT_STATUS_REVOKED {
		t.Errorf("at the gateway it is %v", got)
	}
	w.get("/").mustNot(t, "SHADY SHOP")
	w.get("/share").must(t, "You share nothing.")
}

func TestEachEndSaysWhatItEnds(t *testing.T) {
	w := newWorld(t)
	money, service := w.connect("morava", "money"), w.connect("morava", "service")
	w.get("/share/"+money+"/end").mustNot(t, "conversation")
	w.get("/share/"+service+"/end").must(t, "a conversation that runs under it is closed")
	w.post("/share/"+money+"/end").must(t, `ended</span><span class="quiet">: you ended it here.`)
	w.get("/").must(t, "25 Nov 2026, 12:00 UTC")
}
