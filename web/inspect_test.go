package web_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// inspect holds an answer to what every one must have: headers, cookies, and a
// page that is whole, has no script or style of its own, and can be operated by
// whoever does not see it.
func inspect(t testing.TB, what string, a answer) {
	t.Helper()
	inspectHeaders(t, what, a)
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && a.header.Get("Location") == "" {
		inspectPage(t, what, a.body)
	}
	for _, secret := range []string{"db-7", "secret host", "goroutine", "REASON_", "there is no such consent", "sluice/"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s leaks %q:\n%s", what, secret, a.body)
		}
	}
}

func inspectHeaders(t testing.TB, what string, a answer) {
	t.Helper()
	want := map[string]string{
		"Strict-Transport-Security": "max-age=", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Permissions-Policy": "camera=()", "Cross-Origin-Opener-Policy": "same-origin",
	}
	for name, part := range want {
		if !strings.Contains(a.header.Get(name), part) {
			t.Errorf("%s: %s is %q", what, name, a.header.Get(name))
		}
	}
	csp := a.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "style-src 'self'", "script-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("%s: the policy %q lacks %s", what, csp, part)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		t.Errorf("%s: the policy is loose: %q", what, csp)
	}
	if !strings.Contains(what, "/static/") && a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: Cache-Control is %q", what, a.header.Get("Cache-Control"))
	}
	for _, c := range a.set {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s: a loose cookie: %v", what, c)
		}
	}
}

var void = []string{"meta", "link", "input", "br", "hr", "img"}

func inspectPage(t testing.TB, what, body string) {
	t.Helper()
	var (
		open       []string
		ids        = map[string]bool{}
		refs, fors []string
		needLabel  []string
		headings   int
		z          = html.NewTokenizer(strings.NewReader(body))
	)
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf(what+": "+format, args...)
	}
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		switch tok.Type {
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				bad("</%s> closes %v", tok.Data, open)
				return
			}
			open = open[:len(open)-1]
			continue
		case html.StartTagToken:
			if !slices.Contains(void, tok.Data) {
				open = append(open, tok.Data)
			}
		case html.SelfClosingTagToken:
		default:
			continue
		}
		attrs := map[string]string{}
		for _, at := range tok.Attr {
			if _, twice := attrs[at.Key]; twice {
				bad("<%s> has %s twice", tok.Data, at.Key)
			}
			attrs[at.Key] = at.Val
		}
		for name, value := range attrs {
			if strings.HasPrefix(name, "on") || name == "style" {
				bad("<%s> has an inline %s", tok.Data, name)
			}
			if strings.Contains(value, "ZgotmplZ") {
				bad("<%s %s> was not fit for a page", tok.Data, name)
			}
		}
		switch tok.Data {
		case "style":
			bad("there is an inline <style>")
		case "script":
			if !strings.HasPrefix(attrs["src"], "/static/") {
				bad("there is an inline <script>")
			}
		case "h1":
			headings++
		case "label":
			fors = append(fors, attrs["for"])
		case "input":
			if attrs["type"] != "hidden" {
				needLabel = append(needLabel, attrs["id"])
			}
		case "form":
			if attrs["method"] != "post" || !strings.HasPrefix(attrs["action"], "/") {
				bad("a form goes by %s to %s", attrs["method"], attrs["action"])
			}
		case "img", "iframe", "object", "embed", "base":
			bad("there is a <%s>", tok.Data)
		}
		if id := attrs["id"]; id != "" {
			if ids[id] {
				bad("the id %q stands twice", id)
			}
			ids[id] = true
		}
		refs = append(refs, strings.Fields(attrs["aria-describedby"]+" "+attrs["aria-labelledby"])...)
		if ref, ok := strings.CutPrefix(attrs["href"], "#"); ok {
			refs = append(refs, ref)
		}
	}
	if len(open) != 0 {
		bad("not closed: %v", open)
	}
	if headings != 1 {
		bad("there are %d <h1>", headings)
	}
	for _, ref := range append(refs, fors...) {
		if !ids[ref] {
			bad("there is no element %q, which another refers to", ref)
		}
	}
	for _, id := range needLabel {
		if !slices.Contains(fors, id) {
			bad("the input %q has no label", id)
		}
	}
	if m := regexp.MustCompile(`[>"]((?:[a-z]+\.)+[a-zA-Z_0-9]+)[<"]`).FindStringSubmatch(body); m != nil && !strings.Contains(m[0], `"`) {
		bad("a word of the catalogue is missing: %s", m[1])
	}
	if strings.Contains(body, "<no value>") || strings.Contains(body, "%!") {
		bad("something is missing in a sentence")
	}
}

// field is the value of a page's first input of a name.
func field(a answer, name string) string {
	z := html.NewTokenizer(strings.NewReader(a.body))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		attrs := map[string]string{}
		for _, at := range tok.Attr {
			attrs[at.Key] = at.Val
		}
		if tok.Data == "input" && attrs["name"] == name {
			return attrs["value"]
		}
	}
	return ""
}

// ticked are the values of the boxes that are ticked.
func ticked(a answer) []string {
	var out []string
	z := html.NewTokenizer(strings.NewReader(a.body))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		attrs := map[string]string{}
		for _, at := range tok.Attr {
			attrs[at.Key] = at.Val
		}
		if _, on := attrs["checked"]; on && attrs["name"] == "share" {
			out = append(out, attrs["value"])
		}
	}
	return out
}
