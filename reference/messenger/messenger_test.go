package messenger_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sluice/reference/messenger"
)

// world is a messenger at its gateway, and a browser.
type world struct {
	t    *testing.T
	g    *gateway
	url  string
	page *http.Client
	chat *messenger.Messenger
}

func newWorld(t *testing.T) *world {
	t.Helper()
	g := newGateway(t)
	w := &world{t: t, g: g}
	handler := http.NewServeMux()
	site := httptest.NewServer(handler)
	t.Cleanup(site.Close)
	chat, err := messenger.New(messenger.Config{
		Partner: "messenger", Gateway: g.conn, Issuer: g.http.URL, MTLS: g.http.URL, Client: g.http.Client(), URL: site.URL,
		Banks:     []messenger.Bank{{ID: "morava", Name: "Morava"}, {ID: "oxford", Name: "Oxford"}},
		Dashboard: "https://share.example", Now: g.clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	handler.Handle("/", chat)
	w.url, w.page, w.chat = site.URL, w.browser(), chat
	return w
}

// browser is another one, with cookies of its own.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), w.url) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// run takes events until the test ends.
func (w *world) run() {
	ctx, end := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.chat.Run(ctx)
	}()
	w.t.Cleanup(func() { end(); <-done })
}

type shown struct {
	status int
	text   string
	header http.Header
	at     string
}

func (w *world) do(browser *http.Client, r *http.Request) shown {
	w.t.Helper()
	resp, err := browser.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return shown{resp.StatusCode, string(raw), resp.Header, resp.Request.URL.Path}
}

func (w *world) get(path string) shown { w.t.Helper(); return w.getAs(w.page, path) }

func (w *world) getAs(browser *http.Client, path string) shown {
	w.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = w.url + path
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(browser, r)
}

func (w *world) post(path string, form ...string) shown {
	w.t.Helper()
	return w.postAs(w.page, path, form...)
}

func (w *world) postAs(browser *http.Client, path string, form ...string) shown {
	w.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", w.url)
	return w.do(browser, r)
}

// begin goes to the bank, and says where the customer comes back to.
func (w *world) begin(browser *http.Client, bank, wish string) string {
	w.t.Helper()
	sent := w.getAs(browser, "/connect/"+bank+"/"+wish)
	to, err := url.Parse(sent.header.Get("Location"))
	if sent.status != http.StatusSeeOther || err != nil || !strings.HasPrefix(to.String(), w.g.http.URL+"/authorize?") {
		w.t.Fatalf("connecting answers %d and leads to %q", sent.status, sent.header.Get("Location"))
	}
	return w.g.agree(to.Query().Get("request_uri"))
}

// connect agrees to something and says under which consent.
func (w *world) connect(bank, wish string) string {
	w.t.Helper()
	back := w.getAs(w.page, w.begin(w.page, bank, wish))
	id, told := strings.CutPrefix(back.at, "/next/")
	if back.status != http.StatusOK || !told {
		w.t.Fatalf("coming back answers %d at %s: %s", back.status, back.at, back.text)
	}
	return id
}

func (s shown) must(t *testing.T, has ...string) {
	t.Helper()
	for _, text := range has {
		if !strings.Contains(s.text, text) {
			t.Errorf("the page does not have %q:\n%s", text, s.text)
		}
	}
}

func (s shown) mustNot(t *testing.T, has ...string) {
	t.Helper()
	for _, text := range has {
		if strings.Contains(s.text, text) {
			t.Errorf("the page has %q:\n%s", text, s.text)
		}
	}
}

func TestABankIsConnectedAndAskedForTheBalance(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 1234567), balanceOf(account2, -3))
	w.get("/").must(t, "Nothing is read before you connect")
	w.post("/ask", "text", "How much do I have?").must(t, "No bank shows me your money yet")
	w.connect("morava", "money")
	w.post("/ask", "text", "How much do I have?").must(t,
		"Morava: what you have", "Name of acc_current", "****5399", "1,234,567.50\u00a0CZK", "\u22123.50\u00a0CZK")
}
