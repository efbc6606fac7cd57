package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"sluice/reference/messenger/link"
)

// server is an authorization server that answers what a test says.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	now    time.Time
	forms  map[string][]url.Values // by path
	answer map[string]string       // by path; errors are answered with 400
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), forms: map[string][]url.Values{}, answer: map[string]string{
		"/par":   `{"request_uri":"urn:1","expires_in":60}`,
		"/token": `{"access_token":"at","refresh_token":"rt","expires_in":300,"authorization_details":[{"consent_id":"con_1"}]}`,
	}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = r.ParseForm()
		s.forms[r.URL.Path] = append(s.forms[r.URL.Path], r.PostForm)
		if json.Valid([]byte(s.answer[r.URL.Path])) && s.answer[r.URL.Path][2] == 'e' {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, s.answer[r.URL.Path])
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) link() *link.Link {
	return link.New(link.Config{
		Partner: "messenger", Issuer: "https://share.example", MTLS: s.URL, Redirect: "https://chat.example/done", Client: s.Client(),
		Now: func() time.Time { return s.now },
	})
}

func ask() link.Ask {
	return link.Ask{
		Bank: "morava", Clusters: []string{"BALANCES"}, Purpose: "SPENDING_INSIGHTS", Text: "why", LookBackDays: 90, RetentionDays: 7,
		UnattendedPerDay: 4, Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Locale: "lt",
	}
}

// begun begins something, and says what a browser comes back with.
func begun(t *testing.T, s *server, l *link.Link, browser string) url.Values {
	t.Helper()
	to, err := l.Begin(t.Context(), browser, ask())
	if err != nil || to != "https://share.example/authorize?client_id=messenger&request_uri=urn%3A1" {
		t.Fatalf("it begins at %q: %v", to, err)
	}
	pushed := s.forms["/par"][len(s.forms["/par"])-1]
	return url.Values{"state": {pushed.Get("state")}, "iss": {"https://share.example"}, "code": {"the code"}}
}

func TestWhatIsAskedForIsPushedWithPKCE(t *testing.T) {
	s := newServer(t)
	l := s.link()
	came := begun(t, s, l, "browser")
	g, asked, err := l.Finish(t.Context(), "browser", came)
	if err != nil || g.Consent != "con_1" || asked.Bank != "morava" {
		t.Fatalf("got %v for %v: %v", g, asked, err)
	}
	pushed, redeemed := s.forms["/par"][0], s.forms["/token"][0]
	if pushed.Get("code_challenge") != oauth2.S256ChallengeFromVerifier(redeemed.Get("code_verifier")) || pushed.Get("code_challenge_method") != "S256" {
		t.Error("the verifier is not the challenge's")
	}
	if redeemed.Get("code") != "the code" || redeemed.Get("redirect_uri") != pushed.Get("redirect_uri") || pushed.Get("ui_locales") != "lt" {
		t.Errorf("pushed %v, redeemed %v", pushed, redeemed)
	}
	const want = `[{"type":"account_data","bank":"morava","data_clusters":["BALANCES"],"purpose":"SPENDING_INSIGHTS","purpose_text":"why",` +
		`"look_back_days":90,"expires_at":"2027-01-01T00:00:00Z","access":{"unattended_per_day":4},"retention_days":7}]`
	if got := pushed.Get("authorization_details"); got != want {
		t.Errorf("asked for %s", got)
	}
}

func TestOnlyTheBrowserThatBeganCanFinish(t *testing.T) {
	for name, change := range map[string]func(url.Values) string{
		"another browser":   func(url.Values) string { return "other" },
		"no browser at all": func(url.Values) string { return "" },
		"another state":     func(v url.Values) string { v.Set("state", "guessed"); return "browser" },
		"no state":          func(v url.Values) string { v.Del("state"); return "browser" },
		"another issuer":    func(v url.Values) string { v.Set("iss", "https://evil.example"); return "browser" },
		"no issuer":         func(v url.Values) string { v.Del("iss"); return "browser" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			l := s.link()
			came := begun(t, s, l, "browser")
			wrong := url.Values{}
			for k, v := range came {
				wrong[k] = v
			}
			browser := change(wrong)
			if _, _, err := l.Finish(t.Context(), browser, wrong); !errors.Is(err, link.ErrNotBegun) {
				t.Errorf("it ends with %v", err)
			}
			if len(s.forms["/token"]) != 0 {
				t.Error("the code was redeemed")
			}
			if _, _, err := l.Finish(t.Context(), "browser", came); err != nil {
				t.Errorf("who began it can't finish it any more: %v", err)
			}
		})
	}
}

func TestAVisitEndsOnceAndInTime(t *testing.T) {
	s := newServer(t)
	l := s.link()
	came := begun(t, s, l, "browser")
	if _, _, err := l.Finish(t.Context(), "browser", came); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Finish(t.Context(), "browser", came); !errors.Is(err, link.ErrNotBegun) {
		t.Errorf("the second time ends with %v", err)
	}
	late := begun(t, s, l, "browser")
	s.now = s.now.Add(15 * time.Minute)
	if _, _, err := l.Finish(t.Context(), "browser", late); !errors.Is(err, link.ErrNotBegun) {
		t.Errorf("a late one ends with %v", err)
	}
	left := begun(t, s, l, "browser")
	l.Forget("browser")
	if _, _, err := l.Finish(t.Context(), "browser", left); !errors.Is(err, link.ErrNotBegun) {
		t.Errorf("one of a browser that left ends with %v", err)
	}
}

func TestANoIsANo(t *testing.T) {
	s := newServer(t)
	l := s.link()
	came := begun(t, s, l, "browser")
	came.Del("code")
	came.Set("error", "access_denied")
	if _, asked, err := l.Finish(t.Context(), "browser", came); !errors.Is(err, link.ErrDenied) || asked.Bank != "morava" {
		t.Errorf("it ends with %v for %v", err, asked)
	}
}

func TestATokenIsRefreshedShortlyBeforeItsEnd(t *testing.T) {
	s := newServer(t)
	l := s.link()
	g, _, err := l.Finish(t.Context(), "browser", begun(t, s, l, "browser"))
	if err != nil {
		t.Fatal(err)
	}
	a := l.Access(g)
	if token, err := a.Token(t.Context()); err != nil || token != "at" || len(s.forms["/token"]) != 1 {
		t.Fatalf("the token is %q: %v", token, err)
	}
	s.answer["/token"] = `{"access_token":"at2","expires_in":300}`
	s.now = s.now.Add(4*time.Minute + 41*time.Second)
	if token, err := a.Token(t.Context()); err != nil || token != "at2" || s.forms["/token"][1].Get("refresh_token") != "rt" {
		t.Fatalf("the token is %q: %v", token, err)
	}
	a.Stale()
	s.answer["/token"] = `{"error":"temporarily_unavailable"}`
	if _, err := a.Token(t.Context()); err == nil || errors.Is(err, link.ErrOver) {
		t.Errorf("a server that can't just now ends it: %v", err)
	}
	s.answer["/token"] = `{"error":"invalid_grant"}`
	if _, err := a.Token(t.Context()); !errors.Is(err, link.ErrOver) {
		t.Errorf("a used-up grant is %v", err)
	}
	a.End()
	asked := len(s.forms["/token"])
	if _, err := a.Token(t.Context()); !errors.Is(err, link.ErrOver) || len(s.forms["/token"]) != asked {
		t.Errorf("after the end there is %v", err)
	}
}

func TestTokensOfOurOwnAreOfNoCustomer(t *testing.T) {
	s := newServer(t)
	a := s.link().Own()
	for range 2 {
		if token, err := a.Token(t.Context()); err != nil || token != "at" {
			t.Fatalf("the token is %q: %v", token, err)
		}
	}
	if got := s.forms["/token"]; len(got) != 1 || got[0].Get("grant_type") != "client_credentials" || got[0].Get("scope") != "consents" || got[0].Get("client_id") != "messenger" {
		t.Errorf("asked with %v", got)
	}
}

// Whoever ends what a customer shares, or makes it stale, holds up all other customers
// if he has to wait for the authorization server.
func TestAnEndDoesNotWaitForTheAuthorizationServer(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
		_, _ = io.WriteString(w, `{"access_token":"at","refresh_token":"rt2","expires_in":300}`)
	}))
	t.Cleanup(s.Close)
	l := link.New(link.Config{Partner: "messenger", MTLS: s.URL, Client: s.Client(), Now: time.Now})
	for name, c := range map[string]struct {
		do    func(*link.Access)
		over  bool
		again bool // the next call asks for another one
	}{
		"nothing": {func(*link.Access) {}, false, false},
		"stale":   {(*link.Access).Stale, false, true},
		"ended":   {(*link.Access).End, true, false},
	} {
		a, done := l.Access(link.Grant{Consent: "con_1"}), make(chan error)
		get := func() { _, err := a.Token(t.Context()); done <- err }
		go get()
		<-asked
		c.do(a)
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := a.Token(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: who left still waits: %v", name, err)
		}
		answer <- struct{}{}
		if err := <-done; errors.Is(err, link.ErrOver) != c.over {
			t.Errorf("%s: the token under way is %v", name, err)
		}
		go get()
		again := false
		select {
		case <-asked:
			again = true
			answer <- struct{}{}
			<-done
		case <-done:
		}
		if again != c.again {
			t.Errorf("%s: it is asked again: %t", name, again)
		}
	}
}
