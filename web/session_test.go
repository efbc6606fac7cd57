package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/authn/banklogin"
	"sluice/consent"
	"sluice/web"
)

const session = "__Host-sluice_session"

func hashOf(secret string) web.Key {
	sum := sha256.Sum256([]byte(secret))
	return web.Key(hex.EncodeToString(sum[:]))
}

func loggedIn(b *browser) bool {
	b.t.Helper()
	return strings.Contains(b.get("/").body, `data-page="dashboard"`)
}

func TestTheSecretOfASessionIsNewAfterEachLogin(t *testing.T) {
	s := newStand(t)
	b := s.browser()
	b.get("/login")
	before := b.cookies[session]
	b.logIn("morava")
	first := b.cookies[session]
	b.logIn("vilnia")
	second := b.cookies[session]
	if before == first || first == second {
		t.Fatal("a secret outlives a login")
	}
	for _, old := range []string{before, first} {
		stale := s.browser()
		stale.cookies[session] = old
		if loggedIn(stale) {
			t.Error("an old secret is still worth something")
		}
	}
	for k := range s.sessions.sessions {
		if k == web.Key(second) || strings.Contains(string(k), second) {
			t.Error("the secret itself is kept")
		}
	}
}

func TestASessionEndsWhenIdleAndAfterADay(t *testing.T) {
	s := newStand(t)
	b := s.ona()
	for range 15 {
		s.at = s.at.Add(web.SessionIdle - time.Minute)
		if !loggedIn(b) {
			t.Fatal("the session ended while it was used")
		}
	}
	for range 2 {
		s.at = s.at.Add(web.SessionIdle - time.Minute)
		b.get("/")
	}
	if loggedIn(b) {
		t.Error("the session outlives its longest time")
	}
	b = s.ona()
	s.at = s.at.Add(web.SessionIdle)
	if loggedIn(b) {
		t.Error("the session outlives its idle time")
	}
}

func TestLoggingOutEndsTheSessionForEverybodyWhoHasIt(t *testing.T) {
	s := newStand(t)
	b := s.ona()
	secret := b.cookies[session]
	b.post("/", "/logout", url.Values{}).is(t, http.StatusOK).has(t, "You are logged out")
	thief := s.browser()
	thief.cookies[session] = secret
	if loggedIn(b) || loggedIn(thief) {
		t.Error("still logged in")
	}
}

func TestALoginIsTakenOnceAndByTheBrowserThatBeganIt(t *testing.T) {
	s := newStand(t)
	mine, other := s.browser(), s.browser()
	to := mine.get("/login/morava")
	u, _ := url.Parse(to.header.Get("Location"))
	back := "/login/callback?code=c&state=" + u.Query().Get("state")
	other.get("/login")
	other.get(back).is(t, http.StatusForbidden).has(t, "You were not logged in")
	if loggedIn(other) {
		t.Fatal("another browser is logged in")
	}
	mine.get(back).is(t, http.StatusSeeOther)
	if !loggedIn(mine) {
		t.Fatal("not logged in")
	}
	mine.get(back).is(t, http.StatusForbidden)
	mine.get("/login/callback").is(t, http.StatusForbidden)
}

func TestABankWhoseLoginIsAwaySaysSo(t *testing.T) {
	for err, want := range map[error]struct {
		status int
		says   string
	}{
		banklogin.ErrUnavailable: {http.StatusServiceUnavailable, "does not answer now"},
		banklogin.ErrNoLogin:     {http.StatusNotFound, "no such bank"},
	} {
		s := newStand(t)
		s.login.err = err
		s.browser().get("/login/morava").is(t, want.status).has(t, want.says)
	}
	s := newStand(t)
	b := s.browser()
	u, _ := url.Parse(b.get("/login/morava").header.Get("Location"))
	b.get("/login/callback?error=access_denied&state="+u.Query().Get("state")).is(t, http.StatusForbidden).has(t, "ended at the bank")
	if loggedIn(b) {
		t.Error("logged in")
	}
	b.get("/login/nobody").is(t, http.StatusNotFound)
}

func TestOnlyBanksWithALoginAreOffered(t *testing.T) {
	page := newStand(t).browser().get("/login")
	page.has(t, `data-bank="morava"`, `data-bank="vilnia"`)
	page.hasNot(t, "No Login")
}

func TestALoginGoesOnOnlyToPagesHere(t *testing.T) {
	for next, want := range map[string]string{
		"/ask/ask_1": "/ask/ask_1", "/consents/con_A/revoke": "/consents/con_A/revoke", "/stop": "/stop", "": "/",
		"https://evil.example": "/", "//evil.example": "/", "/\\evil.example": "/", "/ask/../../evil": "/", "javascript:alert(1)": "/",
		"/ask/x\r\nSet-Cookie: a=b": "/", "/logout": "/",
	} {
		s := newStand(t)
		b := s.browser()
		to := b.get("/login/morava?" + url.Values{"next": {next}}.Encode())
		u, _ := url.Parse(to.header.Get("Location"))
		b.get("/login/callback?code=c&state="+u.Query().Get("state")).leads(t, want)
	}
}

func TestFormsOfOthersChangeNothing(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	token := field(b.get("/"), "csrf")
	other := s.ona()
	foreign := field(other.get("/"), "csrf")
	at := pathOf(c) + "/revoke"
	for name, try := range map[string]struct {
		token, site string
	}{
		"no token":            {"", "same-origin"},
		"another's token":     {foreign, "same-origin"},
		"from another site":   {token, "cross-site"},
		"from a sibling":      {token, "same-site"},
		"a token of no shape": {strings.Repeat("x", 5000), "same-origin"},
	} {
		b.site_ = try.site
		for _, path := range []string{at, "/stop", "/logout", pathOf(c) + "/pause", "/give/" + string(c.ID), "/ask/ask_1", "/nowhere"} {
			got := b.do(http.MethodPost, path, url.Values{"csrf": {try.token}, "revision": {"2"}, "do": {"refuse"}})
			if got.status != http.StatusForbidden {
				t.Errorf("%s to %s: %d", name, path, got.status)
			}
		}
	}
	b.site_ = "same-origin"
	if got := s.read(c.ID); got.Revision != c.Revision || !loggedIn(b) {
		t.Error("something changed")
	}
}

func TestABrowserThatSaysOnlyItsOriginIsToldFromAnotherSite(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	b.site_ = ""
	form := url.Values{"csrf": {field(b.get("/"), "csrf")}, "revision": {"2"}}
	for _, b.origin = range []string{"https://evil.example", "https://sluice.example.evil.example", "null"} {
		b.do(http.MethodPost, pathOf(c)+"/pause", form).is(t, http.StatusForbidden)
	}
	b.origin = "https://sluice.example"
	b.do(http.MethodPost, pathOf(c)+"/pause", form).leads(t, pathOf(c)+"?done=paused")
}

func TestAFormTooLargeIsNotRead(t *testing.T) {
	s := newStand(t)
	b := s.ona()
	form := url.Values{"csrf": {field(b.get("/"), "csrf")}, "x": {strings.Repeat("x", 1<<20)}}
	b.do(http.MethodPost, "/stop", form).is(t, http.StatusRequestEntityTooLarge)
}

func TestAnotherBrowserIsNobody(t *testing.T) {
	s := newStand(t)
	c := s.given()
	s.ona()
	b := s.browser()
	b.get(pathOf(c)).leads(t, "/login?next="+url.QueryEscape(pathOf(c)))
	b.get("/stop").leads(t, "/login?next=%2Fstop")
	b.get("/").hasNot(t, "Messenger")
	form := url.Values{"csrf": {field(b.get("/logout"), "csrf")}}
	b.do(http.MethodPost, pathOf(c)+"/revoke", form).is(t, http.StatusSeeOther)
	if s.read(c.ID).Status != consent.Active {
		t.Error("revoked by nobody")
	}
}

func TestAnIdentityOfABankReplacesTheOneBefore(t *testing.T) {
	s := newStand(t)
	c := s.given()
	b := s.ona()
	s.login.as["morava"] = banklogin.Customer{Bank: "morava", ID: "petras", Name: "Petras"}
	b.logIn("morava")
	b.get(pathOf(c)).is(t, http.StatusNotFound)
}

func TestABankThatAnswersForAnotherIsNotBelieved(t *testing.T) {
	s := newStand(t)
	s.login.as["vilnia"] = banklogin.Customer{Bank: "morava", ID: "ona"}
	b := s.browser()
	u, _ := url.Parse(b.get("/login/vilnia").header.Get("Location"))
	b.get("/login/callback?code=c&state="+u.Query().Get("state")).is(t, http.StatusForbidden)
	if loggedIn(b) {
		t.Error("logged in")
	}
}
