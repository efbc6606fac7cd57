package web_test

import (
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sluice/consent"
)

// Each page is inspected as it is fetched.
func TestEveryPageIsWholeInBothLanguages(t *testing.T) {
	for _, lang := range []string{"en", "lt"} {
		s := newStand(t)
		s.bank.joint = true
		path := s.ask(s.request(func(t *consent.Terms) {
			t.OneTime, t.UnattendedPerDay, t.RetentionDays = true, 0, 0
			t.ValidUntil = s.at.Add(2 * consent.MaxDuration)
			t.Clusters = ^consent.Clusters(0) & consent.ClustersOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		}))
		waiting := s.given(func(c *consent.Choice) { c.CoHolders = []consent.CustomerID{"jonas"} })
		live, gone := s.given(), s.given()
		_, err := s.book.Revoke(t.Context(), ona(), gone.ID)
		s.must(err)
		b, other, nobody := s.ona(), s.jonas(), s.browser()
		b.lang, other.lang, nobody.lang = lang, lang, lang
		for _, at := range []string{
			path, "/give/" + string(waiting.ID), "/", "/login", "/logout", "/stop", "/nowhere", pathOf(live), pathOf(live) + "/narrow", pathOf(live) + "/renew",
			pathOf(live) + "/revoke", pathOf(live) + "/withdraw?account=acc-joint-7733", pathOf(live) + "/receipt", pathOf(gone), pathOf(gone) + "/revoke", pathOf(gone) + "/receipt",
			pathOf(gone) + "/narrow", pathOf(waiting), pathOf(waiting) + "/receipt",
		} {
			if got := b.get(at); got.body == "" || !strings.Contains(got.body, `<html lang="`+lang+`">`) {
				t.Errorf("%s: %d, not in %s", at, got.status, lang)
			}
		}
		for _, at := range []string{"/", pathOf(waiting), pathOf(waiting) + "/withdraw?account=acc-joint-7733"} {
			other.get(at).is(t, http.StatusOK)
		}
		for _, at := range []string{"/", "/login", path} {
			nobody.get(at).is(t, http.StatusOK)
		}
		b.post(path, path, url.Values{"do": {"give"}}).is(t, http.StatusBadRequest)
		b.post("/stop", "/stop", url.Values{}).is(t, http.StatusOK)
	}
}

func TestFilesOfPagesAreServedByTheirContent(t *testing.T) {
	b := newStand(t).browser()
	page := b.get("/")
	for _, m := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		got := b.get(m[1]).is(t, http.StatusOK)
		if !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %q", m[1], got.header.Get("Cache-Control"))
		}
	}
	if got := b.get("/static/sluice.css"); strings.Contains(got.header.Get("Cache-Control"), "immutable") {
		t.Error("kept for good under a name that says nothing of its content")
	}
	for _, at := range []string{"/static/nothing", "/static/", "/static/..%2fdoc.go", "/static/%2e%2e/web.go"} {
		if got := b.get(at); got.status == http.StatusOK {
			t.Errorf("%s is served", at)
		}
	}
}

// WCAG 2.2, 1.4.3 and 1.4.11.
func TestColoursAreToldApart(t *testing.T) {
	raw, err := os.ReadFile("static/sluice.css")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(raw), "prefers-color-scheme: dark", 2)
	light := colours(parts[0][:strings.Index(parts[0], "}")])
	dark := colours(parts[1][:strings.Index(parts[1], "}")])
	for name, c := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "ground", 4.5},
			{"ink", "paper", 4.5},
			{"soft", "ground", 4.5},
			{"soft", "paper", 4.5},
			{"main", "paper", 4.5},
			{"main", "ground", 4.5},
			{"main-deep", "paper", 4.5},
			{"on-main", "main", 4.5},
			{"on-main", "main-deep", 4.5},
			{"on-bad", "bad", 4.5},
			{"on-bad", "bad-deep", 4.5},
			{"bad", "paper", 4.5},
			{"ink", "bad-wash", 4.5},
			{"ink", "note-wash", 4.5},
			{"good-ink", "good-wash", 4.5},
			{"wait-ink", "wait-wash", 4.5},
			{"over-ink", "over-wash", 4.5},
			{"edge", "paper", 3},
			{"edge", "ground", 3},
			{"focus", "paper", 3},
			{"focus", "ground", 3},
		} {
			if got := contrast(t, c[pair.front], c[pair.back]); got < pair.least {
				t.Errorf("%s: %s on %s has %.2f:1, less than %.1f", name, pair.front, pair.back, got, pair.least)
			}
		}
	}
}

func colours(css string) map[string]string {
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatalf("%q is no colour", hex)
	}
	part := func(v uint64) float64 {
		c := float64(v&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(n>>16) + 0.7152*part(n>>8) + 0.0722*part(n)
}
