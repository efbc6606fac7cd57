package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// seen is what is looked at on every page.
type seen struct {
	Address  string   `json:"address"`
	Language string   `json:"language"`
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	Width    int64    `json:"width"`
	Widest   string   `json:"widest"`
	Spills   []string `json:"spills"`
	Heads    int      `json:"heads"`
	Twice    []string `json:"twice"`
	Foreign  []string `json:"foreign"`
	Unnamed  []string `json:"unnamed"`
}

const look = `(() => {
	const all = [...document.querySelectorAll("*")], ids = all.map(e => e.id).filter(Boolean);
	const wide = all.filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".skip, svg"))[0];
	const known = new Set(("html head meta title link script body a header svg path nav form input button main footer p h1 h2 h3 div section dl dt dd " +
		"ul ol li time span strong bdi q figure figcaption blockquote fieldset legend label article details summary table thead tbody tr th td rect desc code " +
		"caption tfoot ol textarea select option").split(" "));
	return {
		address: location.href,
		language: document.documentElement.lang, title: document.title, text: document.body.innerText + " " + document.title,
		width: document.documentElement.scrollWidth, widest: wide ? wide.outerHTML.slice(0, 200) : "",
		spills: all.filter(e => e.matches(".card, .line, .about, .talk") && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible").map(e => e.outerHTML.slice(0, 200)),
		heads: document.querySelectorAll("h1").length,
		twice: ids.filter((id, i) => ids.indexOf(id) !== i),
		foreign: all.filter(e => !known.has(e.localName) || [...e.attributes].some(a => a.name.startsWith("on") || a.name === "style")).map(e => e.outerHTML.slice(0, 200)),
		unnamed: all.filter(e => e.localName === "script" && !e.src).map(e => e.outerHTML.slice(0, 200)),
	};
})()`

// look looks at the page that is there, which another may take the place of.
func (b *tab) look() (s seen) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for range 5 {
		b.until(whole)
		got, err := chromedp.Run(ctx, chromedp.Evaluate[seen](look))
		if err == nil {
			return got
		}
		b.t.Logf("looked while the page changed: %v", err)
	}
	b.t.Fatalf("%s can't be looked at", b.address())
	return s
}

// site is whose pages are checked.
type site struct {
	url    string
	titles []string // how they end
	texts  func() []string
}

func siteOf(address string) (site, bool) {
	for _, s := range []site{
		{set.URL, []string{" · Sluice"}, catalogue},
		{set.chat, []string{" · Messenger", " · Žinutės"}, chatTexts},
		{set.desk, []string{" – Banka Vltava, agents' desk"}, func() []string { return nil }},
	} {
		if strings.HasPrefix(address, s.url+"/") {
			return s, true
		}
	}
	return site{}, false
}

// check requires of a page what all of the gateway, the messenger and the desk must
// be.
func (b *tab) check() {
	b.t.Helper()
	s := b.look()
	at := s.Address
	of, ours := siteOf(at)
	if !ours {
		return
	}
	fail := func(format string, args ...any) { b.t.Helper(); b.t.Errorf(at+": "+format, args...) }
	if s.Width > b.how.size.width {
		fail("is %d wide on a screen of %d: %s", s.Width, b.how.size.width, s.Widest)
	}
	if s.Heads != 1 || !slices.ContainsFunc(of.titles, func(end string) bool { return strings.HasSuffix(s.Title, end) && len(s.Title) > len(end)+2 }) {
		fail("has %d first headings and the title %q", s.Heads, s.Title)
	}
	if len(s.Spills) > 0 {
		fail("has what is wider than its frame: %q", s.Spills)
	}
	if len(s.Twice) > 0 {
		fail("has ids twice: %q", s.Twice)
	}
	if len(s.Foreign)+len(s.Unnamed) > 0 {
		fail("has what no template makes: %q %q", s.Foreign, s.Unnamed)
	}
	for _, key := range of.texts() {
		if strings.Contains(s.Text, key) {
			fail("shows the key %q", key)
		}
	}
	if b.templated {
		return // a name has such signs in it
	}
	for _, sign := range []string{"{{", "}}", "<no value>", "%!", "ZgotmplZ", "0001-01-01", "January 1 "} {
		if strings.Contains(s.Text, sign) {
			fail("shows %q", sign)
		}
	}
	if s.Language != "en" && s.Language != "lt" {
		fail("is in the language %q", s.Language)
	}
}

// messages are the English catalogue's.
var messages = sync.OnceValue(func() map[string]any {
	out := map[string]any{}
	if raw, err := os.ReadFile("../../web/catalog/en.json"); err != nil || json.Unmarshal(raw, &out) != nil {
		panic("there is no catalogue")
	}
	return out
})

// said is a message in English.
func said(key string) string { return fmt.Sprint(messages()[key]) }

// chatTexts is the keys of the messenger's texts.
var chatTexts = sync.OnceValue(func() []string {
	out := map[string]any{}
	if raw, err := os.ReadFile("../../reference/messenger/texts.json"); err != nil || json.Unmarshal(raw, &out) != nil {
		panic("there are no texts")
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(out)), func(k string) bool { return !strings.Contains(k, ".") })
})

// catalogue is the keys of the messages, as they would be shown without words.
var catalogue = sync.OnceValue(func() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(messages())), func(k string) bool { return !strings.Contains(k, ".") })
})
