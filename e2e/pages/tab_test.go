package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const patience = 15 * time.Second

// size is one of the two that pages are looked at in.
type size struct {
	name          string
	width, height int64
	phone         bool
}

var (
	phone   = size{"phone", 360, 740, true}
	desktop = size{"desktop", 1280, 900, false}
)

// how a customer's browser is.
type how struct {
	size      size
	noScripts bool
	language  string // Accept-Language; English if empty
}

// document is one page that came.
type document struct {
	url    string
	status int64
	at     time.Time
}

// tab is one page of a browser. What must hold of every page is checked whenever
// one has come.
type tab struct {
	t      *testing.T
	ctx    context.Context
	how    how
	clicks int
	marks  int

	templated bool // what others wrote on its pages looks like a template

	mu     sync.Mutex
	faults []string
	docs   []document
	pages  map[network.RequestID]bool // requests for documents: what they are answered is the test's matter
}

// visit opens a browser of its own: no cookie is shared with another.
func visit(t *testing.T, h how) *tab {
	t.Helper()
	return newTab(set.browser, t, h, chromedp.WithNewBrowserContext())
}

// another opens a second tab of the same browser.
func (b *tab) another() *tab { b.t.Helper(); return newTab(b.ctx, b.t, b.how) }

func newTab(parent context.Context, t *testing.T, h how, more ...chromedp.ContextOption) *tab {
	t.Helper()
	if h.size.width == 0 {
		h.size = phone
	}
	b := &tab{t: t, how: h, pages: map[network.RequestID]bool{}}
	ctx, cancel := chromedp.NewContext(parent, append(more, chromedp.WithListener(b.heard))...)
	b.ctx = ctx
	t.Cleanup(func() {
		cancel()
		for _, f := range b.heardFaults() {
			t.Errorf("the browser says: %s", f)
		}
	})
	b.do(chromedp.Func(func(context.Context, *chromedp.Target) error { return nil }))
	must(t, b.call(func(ctx context.Context, s cdp.Session) error {
		_, err := cdp.Call(ctx, s, audits.Enable, cdp.Empty{})
		return err
	}))
	b.sized(h.size)
	language := h.language
	if language == "" {
		language = "en-GB,en"
	}
	must(t, b.call(func(ctx context.Context, s cdp.Session) error {
		_, err := cdp.Call(ctx, s, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Chromium", AcceptLanguage: language})
		return err
	}))
	if h.noScripts {
		must(t, b.call(func(ctx context.Context, s cdp.Session) error {
			_, err := cdp.Call(ctx, s, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
			return err
		}))
	}
	return b
}

func (b *tab) call(f func(ctx context.Context, s cdp.Session) error) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return f(ctx, t) }))
}

// do runs actions, in time.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	// The first call binds the tab to its context, so that one has no end.
	if chromedp.FromContext(b.ctx).Target == nil {
		must(b.t, chromedp.Do(b.ctx, steps...))
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	must(b.t, chromedp.Do(ctx, steps...))
}

// heard collects what the browser complains about.
func (b *tab) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			b.pages[e.RequestID] = true
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.docs = append(b.docs, document{e.Response.URL, e.Response.Status, time.Now()})
		}
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.faults = append(b.faults, fmt.Sprintf("console: %v", e.Args))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == "error" && (e.Entry.Source != "network" || !b.pages[e.Entry.NetworkRequestID]) {
			b.faults = append(b.faults, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *audits.EventIssueAdded:
		if csp := e.Issue.Details.ContentSecurityPolicyIssueDetails; csp != nil {
			b.faults = append(b.faults, fmt.Sprintf("stopped by the policy: %s %s", csp.ViolatedDirective, csp.BlockedURL))
		}
	}
}

func (b *tab) heardFaults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.faults...)
}

// last is the page that came last.
func (b *tab) last() document {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.docs) == 0 {
		return document{}
	}
	return b.docs[len(b.docs)-1]
}

// sized changes the size of the screen.
func (b *tab) sized(s size) {
	b.t.Helper()
	b.how.size = s
	if s.phone {
		b.do(chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateMobile, chromedp.EmulateTouch))
	} else {
		b.do(chromedp.EmulateViewport(s.width, s.height))
	}
}

// dark switches between dark and light.
func (b *tab) dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	must(b.t, b.call(func(ctx context.Context, s cdp.Session) error {
		_, err := cdp.Call(ctx, s, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

// evaluate is the value of an expression in the page.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluate %.200s: %v", expression, err)
	}
	return v
}

// run runs statements in the page.
func (b *tab) run(statements string) {
	b.t.Helper()
	evaluate[chromedp.Void](b, statements)
}

// until waits until an expression is true; while pages change it may fail.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("never true: %s (last: %v) at %s:\n%.1500s\n%s", expression, err, b.address(), b.mustText(), set.LastLog())
		case <-time.After(15 * time.Millisecond):
		}
	}
}

const whole = `document.readyState === "complete" && document.body !== null`

// open goes to an address, of the gateway's pages if it is a path.
func (b *tab) open(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = set.URL + address
	}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Navigate(address)(ctx, t)
		if err != nil && strings.Contains(err.Error(), "ERR_HTTP_RESPONSE_CODE_FAILURE") {
			return nil
		}
		return err
	}))
	b.until(whole)
	b.check()
}

// press clicks what leads to another page, and waits for it.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.mark()
	b.click(selector)
	b.arrived()
}

// mark marks the page that is there. Each mark is another: a page that the browser
// kept comes back with its own.
func (b *tab) mark() {
	b.t.Helper()
	b.marks++
	b.run(fmt.Sprintf(`window.mark = %d`, b.marks))
}

// arrived waits for a page that is not the one marked, and checks it.
func (b *tab) arrived() {
	b.t.Helper()
	b.until(fmt.Sprintf(`window.mark !== %d && %s`, b.marks, whole))
	b.check()
}

// click clicks in the middle of an element, which must not be covered.
func (b *tab) click(selector string) {
	b.t.Helper()
	at := b.middle(selector)
	b.clicks++
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

func (b *tab) middle(selector string) []float64 {
	b.t.Helper()
	at := evaluate[[]float64](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%s);
		if (!e) return null;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2, hit = document.elementFromPoint(x, y);
		return hit && (e.contains(hit) || hit.contains(e)) ? [x, y] : [];
	})()`, quoted(selector)))
	if len(at) != 2 {
		b.t.Fatalf("%s cannot be clicked at %s:\n%.1500s", selector, b.address(), b.mustText())
	}
	return at
}

// fill writes into a field, as typed.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`(() => { const e = document.querySelector(%s); e.focus(); e.select && e.select(); })()`, quoted(selector)))
	if value == "" {
		b.run(fmt.Sprintf(`document.querySelector(%s).value = ""`, quoted(selector)))
		return
	}
	b.do(chromedp.Steps(chromedp.SendKeys(chromedp.CSS(selector), value)))
}

// put sets a field as somebody could who does not keep to the page.
func (b *tab) put(selector, value string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`(() => { const e = document.querySelector(%s); if (e.type !== "hidden" && e.type !== "checkbox") e.type = "text"; e.value = %s; })()`, quoted(selector), quoted(value)))
}

func (b *tab) has(selector string) bool {
	b.t.Helper()
	return evaluate[bool](b, fmt.Sprintf(`document.querySelector(%s) !== null`, quoted(selector)))
}

// need requires elements.
func (b *tab) need(selectors ...string) {
	b.t.Helper()
	for _, s := range selectors {
		if !b.has(s) {
			b.t.Fatalf("there is no %s at %s:\n%.1500s", s, b.address(), b.mustText())
		}
	}
}

// eventually loads the page until an element is there.
func (b *tab) eventually(selector string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !b.has(selector) && time.Now().Before(deadline); {
		at, _, _ := strings.Cut(b.address(), "#") // with it nothing would be loaded
		b.open(at)
	}
	b.need(selector)
}

// text is what an element shows.
func (b *tab) text(selector string) string {
	b.t.Helper()
	b.need(selector)
	return strings.Join(strings.Fields(evaluate[string](b, fmt.Sprintf(`document.querySelector(%s).innerText`, quoted(selector)))), " ")
}

func (b *tab) attribute(selector, name string) string {
	b.t.Helper()
	b.need(selector)
	return evaluate[string](b, fmt.Sprintf(`document.querySelector(%s).getAttribute(%s) || ""`, quoted(selector), quoted(name)))
}

// on requires that this is the page of a name.
func (b *tab) on(page string) {
	b.t.Helper()
	if got := b.page(); got != page {
		b.t.Fatalf("at %s is the page %q, not %q:\n%.1500s", b.address(), got, page, b.mustText())
	}
}

func (b *tab) page() string {
	b.t.Helper()
	return evaluate[string](b, `document.body.dataset.page || ""`)
}

func (b *tab) address() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return at
}

func (b *tab) mustText() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return err.Error()
	}
	return text
}

func quoted(s string) string {
	raw, _ := json.Marshal(s) // a string always has a form
	return string(raw)
}
