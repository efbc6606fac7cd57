package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"sluice/consent"
)

//go:embed templates
var templateFiles embed.FS

// templates parses each page for each language, with the layout and the parts
// that pages share.
func (s *Site) templates() (map[string]map[string]*template.Template, error) {
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	out := map[string]map[string]*template.Template{}
	for tag, words := range s.speech {
		out[tag] = map[string]*template.Template{}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			t, err := template.New(name).Funcs(s.funcs(words)).ParseFS(templateFiles,
				"templates/layout.html", "templates/parts.html", path.Join("templates", e.Name()))
			if err != nil {
				return nil, fmt.Errorf("parse %s: %w", e.Name(), err)
			}
			out[tag][name] = t
		}
	}
	return out, nil
}

func (s *Site) funcs(w *speech) template.FuncMap {
	return template.FuncMap{
		"t": w.say, "n": w.count, "num": w.number, "list": w.list,
		"date": w.date, "day": w.day, "moment": w.moment, "clock": w.clock,
		"zone":  func(t time.Time) string { return t.In(w.zone).Format("MST") },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"asset": s.assetURL,
		"kind":  func(c consent.Cluster) string { return w.say("kind." + consent.ClusterName(c)) },
		"kindExample": func(c consent.Cluster) string {
			return w.say("kind." + consent.ClusterName(c) + ".example")
		},
		"kinds": func(c consent.Clusters) string { return w.kinds(c) },
	}
}

// kinds is a set of kinds of data in words. A detailed kind says its plain one
// too, so that is left out.
func (s *speech) kinds(c consent.Clusters) string {
	var words []string
	for _, k := range c.List() {
		if k == consent.AccountBasic && c.Has(consent.AccountDetailed) || k == consent.TransactionsBasic && c.Has(consent.TransactionsDetailed) {
			continue
		}
		words = append(words, s.say("kind."+consent.ClusterName(k)))
	}
	return strings.Join(words, "; ")
}

// frame is what every page has around its content.
type frame struct {
	Page      string
	Language  string
	Languages []languageLink
	CSRF      string
	Operator  string
	In        []Identity // as whom the browser is logged in
	View      any
}

type languageLink struct {
	Tag, URL string
	Current  bool
}

// render answers with a page. It is made whole first, so that one that fails
// shows nothing of itself.
func (v *visit) render(status int, name string, view any) error {
	t := v.pages[v.words.tag][name]
	if t == nil {
		return fmt.Errorf("render: there is no page %q", name)
	}
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, "layout", frame{
		Page: name, Language: v.words.tag, Languages: v.languageLinks(), CSRF: v.token(),
		Operator: v.config.Operator, In: v.shownIdentities(), View: view,
	})
	if err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.words.tag)
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // a visitor who left needs no error page
	return nil
}

// show renders a page that came out well.
func (v *visit) show(name string, view any) error { return v.render(http.StatusOK, name, view) }

// shownIdentities has the names harmless.
func (v *visit) shownIdentities() []Identity {
	out := make([]Identity, 0, len(v.session.Identities))
	for _, i := range v.session.Identities {
		i.Name = nameOf(i.Name, v.words.say("name.none")).Text
		out = append(out, i)
	}
	return out
}

// languageLinks lead to this page in the other languages; after a form that
// can't be shown again by GET, to the start.
func (v *visit) languageLinks() []languageLink {
	at := url.URL{Path: "/"}
	query := url.Values{}
	if v.r.Method == http.MethodGet {
		at.Path, query = v.r.URL.Path, v.r.URL.Query()
		query.Del("state")
		query.Del("code")
	}
	var out []languageLink
	for _, tag := range languages() {
		query.Set("lang", tag.String())
		at.RawQuery = query.Encode()
		out = append(out, languageLink{Tag: tag.String(), URL: at.String(), Current: tag.String() == v.words.tag})
	}
	return out
}
