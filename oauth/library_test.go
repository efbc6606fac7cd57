package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/consent"
	"sluice/oauth"
	"sluice/sqldb/sqldbtest"
)

// What the library leaves open, each closed in this room.

func TestOfManyRedemptionsOfACodeExactlyOneSucceeds(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		w := newWorldOn(t, open)
		p := w.byKey("messenger")
		code := p.code()
		var won []said
		for _, got := range atOnce(8, func() said { return p.redeem(code) }) {
			if got.status == http.StatusOK {
				won = append(won, got)
				continue
			}
			wantError(t, got, "invalid_grant")
		}
		if len(won) != 1 {
			t.Fatalf("%d of 8 redemptions succeeded, want 1", len(won))
		}
		if c := w.consentOf(won[0]); c.Status != consent.Active {
			t.Errorf("the consent is %s", consent.StatusName(c.Status))
		}
	})
}

// waiting is a request whose customer has not decided: the browser it is in, and
// where he goes on.
func (p *partner) waiting() (*http.Client, string, string) {
	p.w.t.Helper()
	p.w.decides(nil)
	browser, address := p.w.browser(), p.start()
	return browser, address, p.w.url + page(p.w.t, browser, address, http.StatusOK)
}

func page(t *testing.T, browser *http.Client, address string, want int) string {
	t.Helper()
	resp, err := browser.Get(address)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != want {
		t.Fatalf("%s = %d %s, want %d", address, resp.StatusCode, body, want)
	}
	return string(body)
}

func TestARequestIsFinishedOnce(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	browser, address, resume := p.waiting()
	w.decides(w.agree)
	codes := 0
	backs := atOnce(8, func() url.Values {
		resp, err := browser.Get(address)
		if err != nil {
			return nil
		}
		defer resp.Body.Close()
		to, err := resp.Location()
		if err != nil {
			return nil
		}
		return to.Query()
	})
	for _, back := range backs {
		if back.Get("code") != "" {
			codes++
		}
	}
	if codes != 1 {
		t.Errorf("%d codes for one request, want 1", codes)
	}
	page(t, browser, resume, http.StatusGone)
	resp, err := browser.Post(resume, "application/x-www-form-urlencoded", strings.NewReader(""))
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("posting it again = %d", resp.StatusCode)
	}
}

func TestARequestStaysInTheBrowserItBeganIn(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	browser, address, resume := p.waiting()
	w.decides(w.agree)
	other := w.browser()
	_, _, _ = p.waiting() // of another request
	w.decides(w.agree)
	for name, stranger := range map[string]*http.Client{"no cookie": w.browser(), "its own cookie": other} {
		for _, to := range []string{address, resume, strings.Replace(resume, "/authorize/", "/ask/", 1)} {
			t.Run(name, func(t *testing.T) { page(t, stranger, to, http.StatusForbidden) })
		}
	}
	if back, status := visit(t, browser, address); back.Get("code") == "" {
		t.Errorf("the browser it began in: %d %v", status, back)
	}
}

func TestAReloadBeforeTheCustomerDecidedGoesOn(t *testing.T) {
	w := newWorld(t)
	browser, address, resume := w.byKey("messenger").waiting()
	page(t, browser, address, http.StatusOK)
	page(t, browser, resume, http.StatusOK)
	w.decides(w.agree)
	if back, status := visit(t, browser, address); back.Get("code") == "" {
		t.Errorf("%d, sent back with %v", status, back)
	}
}

func TestOfManyBrowsersThatComeAtOnceOneAsks(t *testing.T) {
	w := newWorld(t)
	w.decides(nil)
	address := w.byKey("messenger").start()
	type visited struct{ status, cookies int }
	at, err := url.Parse(w.url)
	must(t, err)
	seen := map[visited]int{}
	for _, v := range atOnce(8, func() visited {
		browser := w.browser()
		resp, err := browser.Get(address)
		if err != nil {
			return visited{}
		}
		resp.Body.Close()
		return visited{resp.StatusCode, len(browser.Jar.Cookies(at))}
	}) {
		seen[v]++
	}
	for v, n := range seen {
		if asks := v.status == http.StatusOK; asks != (v.cookies == 1) || asks && n != 1 {
			t.Errorf("%d browsers got %d with %d cookies", n, v.status, v.cookies)
		}
	}
	if seen[visited{http.StatusOK, 1}] != 1 {
		t.Errorf("none asks: %v", seen)
	}
}

func TestABrowserThatOthersComeBeforeGetsNoCookie(t *testing.T) {
	w := newWorld(t)
	w.decides(nil)
	address := w.byKey("messenger").start()
	first, late := w.browser(), w.browser()
	w.store.before = func() { page(t, first, address, http.StatusOK) }
	page(t, late, address, http.StatusBadRequest)
	if at := must1(url.Parse(w.url))(t); len(late.Jar.Cookies(at)) != 0 || len(first.Jar.Cookies(at)) != 1 {
		t.Errorf("the late one has %v, the first %v", late.Jar.Cookies(at), first.Jar.Cookies(at))
	}
	page(t, first, address, http.StatusOK)
	page(t, late, address, http.StatusForbidden)
}

func TestARequestThatOthersFinishMeanwhileGivesNoSecondCode(t *testing.T) {
	w := newWorld(t)
	browser, address, resume := w.byKey("messenger").waiting()
	w.decides(w.agree)
	var first url.Values
	w.store.before = func() { first, _ = visit(t, browser, address) }
	ask, err := w.server.Find(withCookies(t, browser, address), resume[strings.LastIndex(resume, "/")+1:])
	must(t, err)
	must(t, w.agree(t.Context(), ask))
	if back, status := visit(t, browser, resume); back != nil || first.Get("code") == "" || status != http.StatusBadRequest && status != http.StatusGone {
		t.Errorf("the first is sent back with %v, the second %d with %v", first, status, back)
	}
}

func TestAStrangerWhoLooksDoesNotGetInTheWayOfWhoFinishes(t *testing.T) {
	w := newWorld(t)
	browser, address, _ := w.byKey("messenger").waiting()
	w.decides(w.agree)
	w.store.before = func() { page(t, w.browser(), address, http.StatusForbidden) }
	if back, status := visit(t, browser, address); back.Get("code") == "" {
		t.Errorf("%d, sent back with %v", status, back)
	}
}

func withCookies(t *testing.T, browser *http.Client, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	for _, c := range browser.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return r
}

func TestWhoOnlyLooksDoesNotBecomeTheBrowserThatAsks(t *testing.T) {
	w := newWorld(t)
	w.decides(nil)
	address := w.byKey("messenger").start()
	resp, err := w.browser().Head(address)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || len(resp.Cookies()) != 0 {
		t.Errorf("HEAD = %d with %v", resp.StatusCode, resp.Cookies())
	}
	page(t, w.browser(), address, http.StatusOK)
}

func TestTheBindingCookieKeepsToItself(t *testing.T) {
	w := newWorld(t)
	w.decides(nil)
	browser := w.browser()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := browser.Get(w.byKey("messenger").start())
	must(t, err)
	resp.Body.Close()
	c := resp.Cookies()[0]
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %v", c)
	}
	if resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
}

func TestARequestThatIsOldIsOver(t *testing.T) {
	w := newWorld(t)
	browser, address, resume := w.byKey("messenger").waiting()
	w.decides(w.agree)
	w.rewrite("session", ago("expires_at"))
	page(t, browser, resume, http.StatusBadRequest)
	page(t, browser, strings.Replace(resume, "/authorize/", "/ask/", 1), http.StatusGone)
	page(t, browser, address, http.StatusBadRequest)
	for _, ref := range []string{"ask_none", "%00", "%ff", strings.Repeat("a", 5000), "..%2f"} {
		page(t, browser, w.url+"/authorize/"+ref, http.StatusGone)
		page(t, browser, w.url+"/ask/"+ref, http.StatusGone)
	}
}

func TestAConsentThatEndedMeanwhileIsTold(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	browser, address, _ := p.waiting()
	all, err := w.book.List(t.Context(), consent.Query{Partner: "messenger", Limit: 10})
	must(t, err)
	_, err = w.book.Revoke(t.Context(), consent.ByPartner("messenger"), all[0].ID)
	must(t, err)
	if back, _ := visit(t, browser, address); back.Get("error") != "access_denied" {
		t.Errorf("sent back with %v", back)
	}
	w.decides(w.agree)
	code := p.code()
	for _, c := range must1(w.book.List(t.Context(), consent.Query{Partner: "messenger", Limit: 10, LiveOnly: true}))(t) {
		_, err = w.book.Revoke(t.Context(), consent.ByCustomer{Bank: bankID, Customer: customer}, c.ID)
		must(t, err)
	}
	wantError(t, p.redeem(code), "invalid_grant")
}

func must1[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T { t.Helper(); must(t, err); return v }
}

func TestNobodyRegistersByHimself(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{"/register", "/register/messenger", "/userinfo", "/device_authorization", "/bc-authorize", "/logout"} {
			r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(`{}`))
			must(t, err)
			if got := p.do(r); got.status != http.StatusNotFound {
				t.Errorf("%s %s = %d", method, path, got.status)
			}
		}
	}
}

func TestProofsThatCanNotBeNotedAreRefused(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	code, refresh := p.code(), p.tokens().text("refresh_token")
	w.replays.Fail(errors.New("replay store is away"))
	for name, got := range map[string]said{"push": p.push(), "redeem": p.redeem(code), "refresh": p.refresh(refresh), "own": p.own("consents")} {
		t.Run(name, func(t *testing.T) { wantError(t, got, "temporarily_unavailable", http.StatusServiceUnavailable) })
	}
	w.replays.Fail(nil)
	if got := p.redeem(code); got.status != http.StatusOK {
		t.Errorf("after that, redeem = %v", got.body)
	}
}

func TestWhatIsAwayIsNotTheClientsFault(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	address, code, tokens := p.start(), p.code(), p.tokens()
	refresh, access := tokens.text("refresh_token"), tokens.text("access_token")
	browser, began, _ := p.waiting()
	w.decides(w.agree)
	away := errors.New("the store is away")
	w.store.fail(away)
	wantError(t, p.redeem(code), "temporarily_unavailable", http.StatusServiceUnavailable)
	wantError(t, p.refresh(refresh), "temporarily_unavailable", http.StatusServiceUnavailable)
	page(t, w.browser(), address, http.StatusServiceUnavailable)
	w.store.fail(nil)
	w.parties.fail(away)
	wantError(t, p.push(), "temporarily_unavailable", http.StatusServiceUnavailable)
	wantError(t, p.refresh(refresh), "temporarily_unavailable", http.StatusServiceUnavailable)
	page(t, w.browser(), address, http.StatusServiceUnavailable)
	w.parties.fail(nil)
	w.consents.fail(away)
	wantError(t, p.redeem(code), "temporarily_unavailable", http.StatusServiceUnavailable)
	wantError(t, p.refresh(refresh), "temporarily_unavailable", http.StatusServiceUnavailable)
	if info := p.introspect(access); info["active"] != false {
		t.Errorf("a token whose consent can't be read is %v", info)
	}
	page(t, browser, began, http.StatusServiceUnavailable)
	w.consents.fail(nil)
	if back, status := visit(t, browser, began); back.Get("code") == "" {
		t.Errorf("after that, the customer who had begun is %d %v", status, back)
	}
	if got := p.refresh(refresh); got.status != http.StatusOK {
		t.Errorf("after that, refresh = %v", got.body)
	}
	if got := p.redeem(code); got.status != http.StatusOK {
		t.Errorf("after that, redeem = %v", got.body)
	}
	if back, status := visit(t, w.browser(), address); back.Get("code") == "" {
		t.Errorf("after that, the customer's way is %d %v", status, back)
	}
}

func TestAFailedRedemptionLeavesTheConsent(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	wantError(t, p.redeem(p.code(), set("code_verifier", strings.Repeat("v", 50))), "invalid_grant")
	for _, c := range must1(w.book.List(t.Context(), consent.Query{Partner: "messenger", Limit: 10}))(t) {
		if c.Status != consent.Active {
			t.Errorf("the consent is %s", consent.StatusName(c.Status))
		}
	}
}

func TestASuspendedPartnerGetsNothing(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	tokens, code, address := p.tokens(), p.code(), p.start()
	browser, began, resume := p.waiting()
	w.decides(w.agree)
	w.parties.suspend("messenger")
	for name, got := range map[string]said{
		"push": p.push(), "redeem": p.redeem(code), "refresh": p.refresh(tokens.text("refresh_token")), "own": p.own("consents"),
		"introspect": p.call("/introspect", url.Values{"token": {tokens.text("access_token")}}),
		"revoke":     p.call("/revoke", url.Values{"token": {tokens.text("access_token")}}),
	} {
		t.Run(name, func(t *testing.T) { wantError(t, got, "invalid_client", http.StatusUnauthorized) })
	}
	page(t, w.browser(), address, http.StatusBadRequest)
	page(t, browser, began, http.StatusBadRequest)
	page(t, browser, resume, http.StatusForbidden)
}

func TestNothingSecretIsLoggedOrKeptInClear(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	secrets := map[string]string{}
	keep := func(name, value string) string { secrets[name] = value; return value }
	spy := spoil{
		signed: func(j string) string { return keep("assertion", j) },
		proven: func(j string) string { return keep("proof", j) },
	}
	pushed := p.push(spy)
	uri := keep("request_uri", pushed.text("request_uri"))
	browser := w.browser()
	back, _ := visit(t, browser, w.url+"/authorize?"+url.Values{"client_id": {p.id}, "request_uri": {uri}}.Encode())
	code := keep("code", back.Get("code"))
	got := p.redeem(code, spy)
	keep("access token", got.text("access_token"))
	refresh := keep("refresh token", got.text("refresh_token"))
	for _, c := range browser.Jar.Cookies(must1(url.Parse(w.url))(t)) {
		keep("cookie", c.Value)
	}
	keep("verifier", verifier)
	// Everything goes wrong that can, with these.
	p.redeem(code)
	p.refresh(refresh)
	p.refresh(refresh + "x")
	w.byKey("other").redeem(code)
	w.byKey("other").refresh(refresh)
	w.byKey("other").call("/introspect", url.Values{"token": {got.text("access_token")}})
	p.own("consents", spoil{signed: func(string) string { return secrets["assertion"] }})
	p.own("consents", spoil{proven: func(string) string { return secrets["proof"] }})
	p.own("consents", spoil{proven: func(string) string { return secrets["proof"] + "x" }})
	visit(t, browser, w.url+"/authorize?"+url.Values{"client_id": {p.id}, "request_uri": {uri}}.Encode())
	w.store.fail(errors.New("away"))
	p.refresh(refresh)

	kept := w.dump()
	for name, secret := range secrets {
		if len(secret) < 16 {
			t.Fatalf("%s is %q", name, secret)
		}
		if strings.Contains(w.log.String(), secret) || strings.Contains(w.log.String(), secret[len(secret)-16:]) {
			t.Errorf("the %s is in the log:\n%s", name, w.log)
		}
		if strings.Contains(kept, strings.TrimPrefix(secret, "urn:ietf:params:oauth:request_uri:")) {
			t.Errorf("the %s is in the database", name)
		}
	}
	if !strings.Contains(w.log.String(), "authorization refused") {
		t.Error("nothing is logged at all")
	}
}

// dump is all that stands in the authorization server's tables.
func (w *world) dump() string {
	w.t.Helper()
	var all strings.Builder
	for _, query := range []string{
		`SELECT id || request || content FROM oauth_sessions`,
		`SELECT id || client || consent_id || coalesce(code, '') || coalesce(refresh, '') || content FROM oauth_grants`,
		`SELECT id || sealed || public_key FROM signing_keys`,
	} {
		rows, err := w.db.Reader().QueryContext(w.t.Context(), query)
		must(w.t, err)
		for rows.Next() {
			var row string
			must(w.t, rows.Scan(&row))
			all.WriteString(row)
		}
		must(w.t, rows.Err())
		must(w.t, rows.Close())
	}
	return all.String()
}

func TestAServerWithoutItsSafeguardsDoesNotStart(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(*oauth.Config){
		"issuer by http":   func(c *oauth.Config) { c.Issuer = "http://sluice.example" },
		"issuer with path": func(c *oauth.Config) { c.Issuer = "https://sluice.example/x" },
		"no mTLS address":  func(c *oauth.Config) { c.MTLS = "" },
		"a short hash key": func(c *oauth.Config) { c.HashKey = []byte("short") },
	} {
		c := w.config()
		spoil(&c)
		if _, err := oauth.New(c); err == nil {
			t.Errorf("%s: the server starts", name)
		}
	}
	c := w.config()
	if _, err := oauth.New(c); err != nil {
		t.Errorf("as it should be: %v", err)
	}
}

func TestWhatExpiredLongAgoIsForgotten(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	refresh := p.tokens().text("refresh_token")
	p.own("consents")
	c := w.config()
	c.Now = func() time.Time { return time.Now().Add(3 * time.Hour) }
	later, err := oauth.New(c)
	must(t, err)
	must(t, later.Tend(t.Context()))
	if n := strings.Count(w.dump(), "gra_"); n != 1 {
		t.Errorf("%d grants are left, want that of the consent", n)
	}
	if strings.Contains(w.dump(), "ask_") {
		t.Error("a session is left")
	}
	if got := p.refresh(refresh); got.status != http.StatusOK {
		t.Errorf("refresh = %v", got.body)
	}
}
