package pages

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"sluice/e2e/stage"
)

// focused is where the keyboard is.
type focused struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	Outline string  `json:"outline"`
	Width   float64 `json:"width"`
	Seen    bool    `json:"seen"`
	Top     float64 `json:"top"`
	Body    bool    `json:"body"`
}

const focus = `(() => {
	const e = document.activeElement, c = getComputedStyle(e), r = e.getBoundingClientRect();
	return {
		id: e.id || e.getAttribute("data-consent") || e.getAttribute("data-bank") || e.getAttribute("data-language") || e.getAttribute("href") || e.name || e.localName,
		name: e.name || "", kind: e.getAttribute("data-kind") || "",
		outline: c.outlineStyle, width: parseFloat(c.outlineWidth), top: r.top + scrollY,
		seen: r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth, body: e === document.body,
	};
})()`

func (b *tab) key(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// tabTo goes on by Tab until a test is met, and requires of every stop on the way
// that it can be seen where the keyboard is.
func (b *tab) tabTo(what string, is func(focused) bool) focused {
	b.t.Helper()
	var way []string
	for range 80 {
		b.key(kb.Tab)
		f := evaluate[focused](b, focus)
		way = append(way, f.ID)
		if f.Body {
			continue // past the end, and around
		}
		if f.Outline == "none" || f.Width < 2 || !f.Seen {
			b.t.Errorf("%s: where the keyboard is can't be seen: %+v", b.address(), f)
		}
		if is(f) {
			return f
		}
	}
	b.t.Fatalf("%s: no Tab leads to %s: %q", b.address(), what, way)
	return focused{}
}

func (b *tab) tabToID(id string) {
	b.t.Helper()
	b.tabTo(id, func(f focused) bool { return f.ID == id })
}

// enter presses Enter on what leads to another page.
func (b *tab) enter() {
	b.t.Helper()
	b.mark()
	b.key(kb.Enter)
	b.arrived()
}

func TestTheKeyboardIsEnough(t *testing.T) {
	ask := request(t, nil)
	b := visit(t, how{size: desktop})
	b.open(ask.Link)
	b.tabToID("to-bank")
	b.enter()
	for id, value := range map[string]string{"customer": three, "password": stage.Password, "code": stage.Code} {
		b.run(`document.activeElement.blur()`)
		b.tabTo(id, func(f focused) bool { return f.ID == id })
		b.key(value)
	}
	b.enter()
	b.on("ask")

	b.key(kb.Tab)
	if f := evaluate[focused](b, focus); f.ID != "#main" || !f.Seen || f.Outline == "none" {
		t.Errorf("the first stop is %+v, not the way past the head of the page", f)
	}
	b.key(kb.Enter)
	b.until(`document.activeElement.id === "main"`)
	b.tabTo("the first box", func(f focused) bool { return f.Name == "share" })
	b.key(" ")
	b.key(kb.Tab)
	b.key(" ")
	if got := evaluate[[]string](b, `[...document.querySelectorAll("input[name=share]:checked")].map(e => e.dataset.kind)`); !slices.Equal(got, []string{"DATA_CLUSTER_ACCOUNT_BASIC", "DATA_CLUSTER_BALANCES"}) {
		t.Fatalf("the space bar ticked %v", got)
	}
	b.tabToID("give")
	b.enter()
	b.back()
	token, err := ask.Token(within(t))
	must(t, err)

	b.open("/")
	b.tabToID("/consents/" + token.Consent)
	b.enter()
	b.on("consent")
	b.tabToID("revoke")
	b.enter()
	b.on("revoke")
	b.tabToID("revoke-confirm")
	b.enter()
	b.need("#revoked-at")
	if _, err := token.Balances(within(t)); reason(err) != "CONSENT_REVOKED" {
		t.Errorf("after the revoke: %v", err)
	}
}

// The keyboard goes down the page as the eye does, with nothing left out that the
// mouse can reach.
func TestTheKeyboardGoesInTheOrderOfThePage(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	id := given(t, who, false, accountBasic, balances)
	pending := asked(t, nil, accountBasic, balances)
	for _, path := range []string{"/", "/consents/" + id, "/consents/" + id + "/narrow", "/consents/" + id + "/renew", "/consents/" + id + "/revoke", "/give/" + pending, "/stop", "/login"} {
		b.open(path)
		want := evaluate[int](b, `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary")].filter(e => e.checkVisibility()).length`)
		var stops []focused
		for range want + 5 {
			b.key(kb.Tab)
			f := evaluate[focused](b, focus)
			if f.Body || len(stops) > 0 && f.ID == stops[0].ID {
				break // past the end
			}
			stops = append(stops, f)
		}
		// A date field has a stop for each of its parts.
		distinct := slices.CompactFunc(slices.Clone(stops), func(x, y focused) bool { return x.ID == y.ID && x.Top == y.Top })
		if len(distinct) < want-1 {
			t.Errorf("%s: %d of %d can be reached: %v", path, len(distinct), want, names(distinct))
		}
		for i := 2; i < len(distinct); i++ {
			if distinct[i].Top < distinct[i-1].Top-60 {
				t.Errorf("%s: the keyboard jumps up from %s to %s", path, distinct[i-1].ID, distinct[i].ID)
			}
		}
	}
}

func names(all []focused) []string {
	var out []string
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s@%.0f", f.ID, f.Top))
	}
	return out
}

// After a form that is wrong the keyboard is at what is said of it, and from
// there at the field.
func TestWhatIsWrongLeadsToItsField(t *testing.T) {
	who := somebody(t)
	b := loggedIn(t, who.customer, how{size: phone})
	b.open("/give/" + asked(t, nil, balances, transactionsBasic))
	b.put("#look_back", "many")
	b.press("#give")
	b.until(`document.activeElement.id === "problems"`)
	for _, id := range []string{"#shares", "#look_back"} {
		b.tabToID(id)
		b.key(kb.Enter)
		b.until(`"#" + document.activeElement.id === ` + quoted(id))
		b.run(`document.getElementById("problems").focus()`)
	}
}
