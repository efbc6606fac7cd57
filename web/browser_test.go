package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sluice/authn/banklogin"
	"sluice/consent"
)

// answer is what a browser got.
type answer struct {
	status int
	header http.Header
	body   string
	set    []*http.Cookie
}

// browser keeps cookies and holds every answer to what all must have.
type browser struct {
	*stand
	cookies map[string]string
	lang    string
	site_   string // Sec-Fetch-Site of its requests; "" as old browsers do
	origin  string // Origin of its requests, or ""
}

func (s *stand) browser() *browser {
	return &browser{stand: s, cookies: map[string]string{"asker": "yes"}, lang: "en", site_: "same-origin"}
}

func (b *browser) do(method, target string, form url.Values) answer {
	b.t.Helper()
	var r *http.Request
	if form != nil {
		r = httptest.NewRequest(method, "https://sluice.example"+target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, "https://sluice.example"+target, nil)
	}
	r = r.WithContext(b.t.Context())
	r.Header.Set("Accept-Language", b.lang)
	if b.site_ != "" {
		r.Header.Set("Sec-Fetch-Site", b.site_)
	}
	if b.origin != "" {
		r.Header.Set("Origin", b.origin)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	got := answer{status: w.Code, header: w.Header(), body: w.Body.String(), set: w.Result().Cookies()}
	for _, c := range got.set {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	inspect(b.t, method+" "+target, got)
	return got
}

func (b *browser) get(target string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, target, nil)
}

// post sends a form of the page that is shown at from.
func (b *browser) post(from, target string, form url.Values) answer {
	b.t.Helper()
	page := b.get(from)
	if form.Get("csrf") == "" {
		form.Set("csrf", field(page, "csrf"))
	}
	if !form.Has("revision") {
		form.Set("revision", field(page, "revision"))
	}
	return b.do(http.MethodPost, target, form)
}

// logIn goes to a bank and back.
func (b *browser) logIn(bank string) *browser {
	b.t.Helper()
	to := b.get("/login/" + bank)
	if to.status != http.StatusSeeOther {
		b.t.Fatalf("to the bank: %d", to.status)
	}
	u, err := url.Parse(to.header.Get("Location"))
	b.must(err)
	back := b.get("/login/callback?code=c&state=" + u.Query().Get("state"))
	if back.status != http.StatusSeeOther {
		b.t.Fatalf("back from the bank: %d %s", back.status, back.body)
	}
	return b
}

// as is a browser of a customer of Morava Bank.
func (s *stand) as(customer consent.CustomerID, name string) *browser {
	s.t.Helper()
	s.login.as["morava"] = banklogin.Customer{Bank: "morava", ID: customer, Name: name}
	return s.browser().logIn("morava")
}

func (s *stand) ona() *browser   { return s.as("ona", "Ona Jonaitė") }
func (s *stand) jonas() *browser { return s.as("jonas", "Jonas Jonaitis") }

func (a answer) has(t *testing.T, words ...string) answer {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(a.body, w) && !strings.Contains(html.UnescapeString(a.body), w) {
			t.Errorf("the page does not say %q:\n%s", w, a.body)
		}
	}
	return a
}

func (a answer) hasNot(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(a.body, w) {
			t.Errorf("the page says %q:\n%s", w, a.body)
		}
	}
}

func (a answer) is(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d:\n%s", a.status, status, a.body)
	}
	return a
}

func (a answer) leads(t *testing.T, to string) answer {
	t.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != to {
		t.Fatalf("status %d to %q, want 303 to %q:\n%s", a.status, got, to, a.body)
	}
	return a
}
