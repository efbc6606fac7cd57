package samplebank

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"google.golang.org/protobuf/types/known/timestamppb"

	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// browser is an agent's browser at a desk.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
}

func at(t *testing.T, b *Bank, c DeskConfig) *browser {
	t.Helper()
	if c.Agents == nil {
		c.Agents = []string{"Jana", "Petr"}
	}
	d, err := NewDesk(b, c)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s.URL, &http.Client{Jar: jar}}
}

// signedAt is a browser whose agent is Jana.
func signedAt(t *testing.T, b *Bank, c DeskConfig) *browser {
	t.Helper()
	w := at(t, b, c)
	if status, page := w.post("/sign-in", url.Values{"agent": {"Jana"}}); status != http.StatusOK || !strings.Contains(page, "<h1>Queue</h1>") {
		t.Fatalf("sign in: %d\n%s", status, page)
	}
	return w
}

func (w *browser) get(path string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(r)
}

func (w *browser) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	return w.do(w.posting(path, form))
}

func (w *browser) posting(path string, form url.Values) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (w *browser) do(r *http.Request) (int, string) {
	w.t.Helper()
	answer, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(answer.Body).WriteTo(&b); err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, b.String()
}

// text is what stands in the element with an id.
func text(t *testing.T, page, id string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "id" && a.Val == id }) {
			var b strings.Builder
			for d := range n.Descendants() {
				if d.Type == html.TextNode {
					b.WriteString(d.Data + " ")
				}
			}
			return strings.Join(strings.Fields(b.String()), " ")
		}
	}
	return ""
}

func TestNobodySeesTheDeskWithoutSigningIn(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m1", "a secret of mine").GetConversationId()
	followed(t, b, newConsents(agreed(active, talking)))
	w := at(t, b, DeskConfig{})
	for _, path := range []string{"/", "/conversations/" + id, "/conversations/" + id + "/alert", "/consents", "/engagement", "/changes", "/elsewhere"} {
		status, page := w.get(path)
		if strings.Contains(page, "secret") || path != "/changes" && !strings.Contains(page, "Who is at the desk?") || path == "/changes" && status != http.StatusUnauthorized {
			t.Errorf("%s: %d\n%s", path, status, page)
		}
	}
	for _, path := range []string{"reply", "read", "writing", "close", "alert"} {
		if status, _ := w.post("/conversations/"+id+"/"+path, url.Values{"text": {"x"}}); status != http.StatusUnauthorized {
			t.Errorf("POST %s: %d", path, status)
		}
	}
	if c, _, _ := b.talks.one(id); len(c.messages) != 2 || !c.ended.IsZero() || c.readByBank != "" {
		t.Errorf("somebody did something: %v", c)
	}
	if status, _ := w.post("/sign-in", url.Values{"agent": {"Mallory"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("somebody who is not on the list: %d", status)
	}
}

func TestASessionEnds(t *testing.T) {
	b, clock := clocked(t)
	w := signedAt(t, b, DeskConfig{})
	w.post("/sign-out", nil)
	if _, page := w.get("/"); strings.Contains(page, "<h1>Queue</h1>") {
		t.Error("still at the desk after signing out")
	}
	w.post("/sign-in", url.Values{"agent": {"Petr"}})
	*clock = clock.Add(deskSessionLife + time.Second)
	if _, page := w.get("/"); strings.Contains(page, "<h1>Queue</h1>") {
		t.Error("still at the desk the next day")
	}
}

func TestAFormOfAnotherSiteDoesNothing(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	followed(t, b, newConsents(agreed(active, talking)))
	w := signedAt(t, b, DeskConfig{})
	for name, header := range map[string][2]string{
		"cross-site":           {"Sec-Fetch-Site", "cross-site"},
		"same site, not ours":  {"Sec-Fetch-Site", "same-site"},
		"an origin of another": {"Origin", "https://elsewhere.test"},
	} {
		r := w.posting("/conversations/"+id+"/reply", url.Values{"text": {"not from here"}})
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Set(header[0], header[1])
		if status, _ := w.do(r); status != http.StatusForbidden {
			t.Errorf("%s: %d", name, status)
		}
	}
	r := w.posting("/conversations/"+id+"/reply", url.Values{"text": {"by another name"}})
	r.Host = "desk.elsewhere.test"
	if status, _ := w.do(r); status != http.StatusMisdirectedRequest {
		t.Errorf("another name: %d", status)
	}
	if c, _, _ := b.talks.one(id); len(c.messages) != 2 {
		t.Errorf("it was written: %v", c.messages)
	}
}

func TestHostileTextIsShownAsText(t *testing.T) {
	b, _ := clocked(t)
	const bad = `</textarea><script>alert(1)</script><img src=x onerror="alert(2)">`
	c, err := b.StartConversation(t.Context(), &bankv1.StartConversationRequest{
		Party: ours(), ClientId: "m1", Topic: bad, Text: bad,
		Attachments: []*datav1.Attachment{{Name: bad, MediaType: "image/png", SizeBytes: 2048, Sha256: strings.Repeat("a", 64), Url: `https://files.test/"onclick=alert(3)`}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := c.GetAccounts()[0].GetConversations()[0].GetConversationId()
	k := agreed(active, talking)
	k.Asked.PurposeText, k.PartnerId = bad, bad
	w := signedAt(t, b, DeskConfig{Consents: newConsents(k)})
	tooLong, page := w.post("/conversations/"+id+"/reply", url.Values{"text": {bad + strings.Repeat("x", 4000)}})
	if tooLong != http.StatusUnprocessableEntity {
		t.Errorf("too long: %d", tooLong)
	}
	pages := []string{page}
	for _, path := range []string{"/", "/conversations/" + id, "/consents", "/conversations/" + id + "/alert"} {
		_, page := w.get(path)
		pages = append(pages, page)
	}
	for i, page := range pages {
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		scripts := 0
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				if n.Type == html.ElementNode && strings.HasPrefix(a.Key, "on") {
					t.Errorf("page %d has %s=%q", i, a.Key, a.Val)
				}
			}
			if n.Type == html.ElementNode && n.Data == "script" {
				scripts++
			}
			if n.Type == html.ElementNode && (n.Data == "img" || n.Data == "style") {
				t.Errorf("page %d has <%s>", i, n.Data)
			}
		}
		if scripts != 1 {
			t.Errorf("page %d has %d scripts", i, scripts)
		}
	}
	if got := text(t, pages[2], "transcript"); !strings.Contains(got, bad) {
		t.Errorf("the words are gone: %s", got)
	}
}

func TestPagesMayLoadNothingOfOthers(t *testing.T) {
	b, _ := clocked(t)
	w := signedAt(t, b, DeskConfig{})
	answer, err := w.client.Get(w.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	policy := answer.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", answer.Header)
	}
	for _, name := range []string{"desk.css", "desk.js", "desk.svg"} {
		if status, _ := w.get("/static/" + name); status != http.StatusOK {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := w.get("/static/queue.html"); status != http.StatusNotFound {
		t.Errorf("a template: %d", status)
	}
}

func TestAnAgentAnswersWhoWaitsTheLongest(t *testing.T) {
	b, clock := clocked(t)
	first := begun(t, b, ours(), "m1", "I was first").GetConversationId()
	*clock = clock.Add(time.Minute)
	second := begun(t, b, ours(), "m2", "I was second").GetConversationId()
	k := newConsents(agreed(active, talking, balance))
	followed(t, b, k)
	w := signedAt(t, b, DeskConfig{Consents: k})
	_, page := w.get("/")
	if x, y := strings.Index(page, "row-"+first), strings.Index(page, "row-"+second); x < 0 || y < x {
		t.Errorf("the queue is not in order:\n%s", page)
	}
	_, page = w.get("/conversations/" + first)
	if got := text(t, page, "consent"); !strings.Contains(got, "Active") || !strings.Contains(got, "Talking with the bank") || !strings.Contains(got, "Talks with the bank") {
		t.Errorf("the consent is %q", got)
	}
	if status, page := w.post("/conversations/"+first+"/reply", url.Values{"text": {"Good day\r\nto you"}}); status != http.StatusOK ||
		!strings.Contains(text(t, page, "transcript"), "Good day to you") {
		t.Errorf("reply: %d\n%s", status, page)
	}
	c, _, _ := b.talks.one(first)
	if c.last().GetText() != "Good day\nto you" || c.agent != "Jana" || c.readByBank != c.messages[0].GetMessageId() || !c.waitingSince.IsZero() {
		t.Errorf("%v", c)
	}
	_, page = w.get("/")
	if text(t, page, "waiting") == "" || strings.Contains(text(t, page, "waiting"), "first") || !strings.Contains(text(t, page, "open"), "Good day") {
		t.Errorf("the queue is\n%s", page)
	}
	k.put(agreed(consentv1.ConsentStatus_CONSENT_STATUS_PAUSED, talking))
	followed(t, b, k)
	status, page := w.post("/conversations/"+first+"/reply", url.Values{"text": {"Are you there?"}})
	if status != http.StatusConflict || !strings.Contains(text(t, page, "why"), "paused") || !strings.Contains(text(t, page, "text"), "Are you there?") {
		t.Errorf("while paused: %d\n%s", status, page)
	}
	if _, page := w.post("/conversations/"+first+"/close", nil); !strings.Contains(text(t, page, "closed"), "ended by the bank") {
		t.Errorf("the queue is\n%s", page)
	}
	k.put(agreed(consentv1.ConsentStatus_CONSENT_STATUS_REVOKED, talking))
	followed(t, b, k)
	if _, page := w.get("/conversations/" + second); !strings.Contains(text(t, page, "ended"), "the end of the consent") || text(t, page, "why") == "" {
		t.Errorf("after the end:\n%s", page)
	}
}

func TestTheDeskShowsTheConsentsOfTheBank(t *testing.T) {
	b, _ := clocked(t)
	k := agreed(active, talking, balance)
	k.ValidUntil = timestamppb.New(b.now().Add(24 * time.Hour))
	w := signedAt(t, b, DeskConfig{Consents: newConsents(k)})
	_, page := w.get("/consents")
	for _, want := range []string{"Client 9593", "messenger", "Active", "Balances", "Talks with the bank", "25 Nov 2026", "/consents?page=more"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if _, page := w.get("/consents?page=more&live=1"); !strings.Contains(page, "To the newest") {
		t.Errorf("the second page:\n%s", page)
	}
	alone := signedAt(t, b, DeskConfig{})
	if status, page := alone.get("/consents"); status != http.StatusServiceUnavailable || !strings.Contains(page, "be asked now") {
		t.Errorf("without a gateway: %d", status)
	}
}

func TestEngagementIsCountedFromWhatHappened(t *testing.T) {
	b, clock := clocked(t)
	if err := b.DemoQuestions(); err != nil {
		t.Fatal(err)
	}
	if e := b.engagement(); e.Open != 0 || e.ActiveWeek != 0 || e.Median != "–" || e.Answered != 0 {
		t.Errorf("samples are counted: %+v", e)
	}
	begin := *clock
	other := toParty("messenger", "consent-9", otherCustomer(t, b), otherAccount(t, b))
	begun(t, b, other, "m1", "long ago")
	*clock = begin.Add(2 * 24 * time.Hour)
	b.talks.learn("consent-1", standing{inForce, []string{"A7753"}}, b.now())
	for i, wait := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 10 * time.Minute} {
		id := begun(t, b, ours(), fmt.Sprint("m", i), "hello").GetConversationId()
		*clock = clock.Add(wait)
		for range 2 { // only the first counts
			if err := b.talks.reply(id, "Jana", "Good day", b.now()); err != nil {
				t.Fatal(err)
			}
			*clock = clock.Add(time.Second)
		}
		if i == 0 {
			if err := b.talks.closeByBank(id, b.now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	alert := listed(t, b, "C1005")[0].GetAlertId()
	answered(t, b, "a1", "C1005", alert, blockCard)
	b.talks.learn("consent-9", standing{state: over}, b.now())
	e := b.engagement()
	if e.ActiveDay != 1 || e.ActiveWeek != 2 || e.Open != 3 || e.Waiting != 0 || e.Closed != 2 || e.ByBank != 1 || e.ByConsent != 1 ||
		e.Answered != 4 || e.Median != "2 min" || e.P90 != "10 min" || e.AlertsAnswered != 1 || e.Card != 1 || e.ByAgents != 0 || e.ByRule == 0 {
		t.Errorf("%+v", e)
	}
	w := signedAt(t, b, DeskConfig{})
	if _, page := w.get("/engagement"); text(t, page, "median") != "2 min" || text(t, page, "active-week") != "2" {
		t.Errorf("the page is\n%s", page)
	}
}

func TestSampleQuestionsAreMarkedAndNeverPublished(t *testing.T) {
	b, _ := clocked(t)
	if err := b.DemoQuestions(); err != nil {
		t.Fatal(err)
	}
	all, _ := b.talks.every()
	if len(all) != 40 {
		t.Fatalf("%d questions", len(all))
	}
	id := all[0].id
	w := signedAt(t, b, DeskConfig{})
	if status, page := w.post("/conversations/"+id+"/reply", url.Values{"text": {"It is on its way"}}); status != http.StatusOK || !strings.Contains(page, "BANKING77") {
		t.Errorf("%d\n%s", status, page)
	}
	if status, _ := w.get("/conversations/" + id + "/alert"); status != http.StatusNotFound {
		t.Errorf("an alert about a sample: %d", status)
	}
	w.post("/conversations/"+id+"/close", nil)
	if e, _ := b.talks.next(); e != nil {
		t.Errorf("published: %v", e)
	}
	if got := b.talks.list(party{}, false, b.now()); len(got) != 0 {
		t.Errorf("answered to a party of nothing: %v", got)
	}
}

func TestAPageHearsOfChanges(t *testing.T) {
	b, _ := clocked(t)
	w := signedAt(t, b, DeskConfig{})
	answer, err := w.client.Get(w.url + "/changes")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	if !lines.Scan() || lines.Text() != ": open" || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%q", lines.Text())
	}
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	for lines.Scan() && lines.Text() != "data: changed" {
	}
	if lines.Text() != "data: changed" {
		t.Errorf("it ended: %v", lines.Err())
	}
	followed(t, b, newConsents(agreed(active, talking)))
	for path, want := range map[string]int{id + "/read": http.StatusNoContent, id + "/writing": http.StatusNoContent, "x/read": http.StatusNotFound} {
		if status, _ := w.post("/conversations/"+path, nil); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if c, _, _ := b.talks.one(id); c.readByBank == "" || !c.agentWrites.After(b.now()) {
		t.Errorf("%v", c)
	}
}

func TestADeskNeedsAgents(t *testing.T) {
	b, _ := clocked(t)
	for _, names := range [][]string{nil, {""}, {strings.Repeat("x", 61)}} {
		if _, err := NewDesk(b, DeskConfig{Agents: names}); err == nil {
			t.Errorf("%q: it opened", names)
		}
	}
}
