package messenger

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"
)

//go:embed templates/*.html
var templateFiles embed.FS

// frame is what each page has around it.
type frame struct {
	Language, Page, Path string
	Languages            []string
	Tabs                 []tab
	Watch                bool // the page is told when there is something new
	Version              int  // how much of that it has
	Asked                int  // questions of banks that are open
	View                 any
}

// tab is one of the customer's chats.
type tab struct {
	Name, Href   string
	Current, New bool
	Asked        int // questions of banks that are open
}

func (m *Messenger) templates() (map[string]*template.Template, error) {
	out := map[string]*template.Template{}
	for _, lang := range languages() {
		t, err := template.New("").Funcs(m.words(lang)).ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("parse pages: %w", err)
		}
		out[lang] = t
	}
	return out, nil
}

// words are what pages say things with.
func (m *Messenger) words(lang string) template.FuncMap {
	return template.FuncMap{
		"t":      func(key string, args ...string) string { return m.texts.say(lang, key, args...) },
		"money":  func(a *moneypb.Money) string { return amount(lang, a) },
		"day":    func(t time.Time) string { return day(lang, t) },
		"moment": func(t time.Time) string { return moment(lang, m.config.Zone, t) },
		"size":   size,
		"asset":  m.assetURL,
		"category": func(name string) string {
			if key := "category." + name; m.texts[key] != nil {
				return m.texts.say(lang, key)
			}
			return name
		},
		"language": func(tag string) string {
			if tag == "lt" {
				return "Lietuvių"
			}
			return "English"
		},
	}
}

// render writes a page. It is made whole before anything of it leaves.
func (m *Messenger) render(w http.ResponseWriter, r *http.Request, code int, page string, of any) {
	lang := m.language(r)
	m.remember(w, r, lang)
	p := m.visitor(r)
	if p != nil {
		m.setCookie(w, p.browser) // it lasts from the last visit
	}
	f := frame{
		Language: lang, Languages: languages(), Page: page, Path: "/", Tabs: m.tabs(p, r.URL.Path), Watch: p != nil, View: of,
	}
	f.Asked = f.Tabs[0].Asked
	f.Version, _ = r.Context().Value(versionKey{}).(int)
	if r.Method == http.MethodGet && r.URL.Path != "/done" {
		f.Path = r.URL.Path
	}
	var out bytes.Buffer
	if err := m.pages[lang].ExecuteTemplate(&out, page+".html", f); err != nil {
		m.config.Log.ErrorContext(r.Context(), "a page could not be made", "page", page, "error", err)
		http.Error(w, m.texts.say(lang, "trouble.title"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = out.WriteTo(w) // who asked may have gone
}

// fail writes a page that says what did not work.
func (m *Messenger) fail(w http.ResponseWriter, r *http.Request, code int, key string) {
	m.render(w, r, code, "message", key)
}

// tabs are a person's chats: one with the messenger, and one with each bank that he
// may talk with, or did until it ended.
func (m *Messenger) tabs(p *person, path string) []tab {
	tabs := []tab{{Name: "nav.chat", Href: "/", Current: path == "/"}}
	if p == nil {
		return tabs
	}
	open := map[string]int{}
	for _, c := range m.alertCards(p, "").Open {
		tabs[0].Asked++
		open[c.Consent]++
	}
	m.mu.Lock()
	sharings := append([]*sharing(nil), p.sharings...)
	m.mu.Unlock()
	for _, s := range sharings {
		href := "/talk/" + s.consent
		if s.wish != service || m.standing(s) == over && path != href && (!m.talkedIn(s) || m.held(p, s.bank.ID, service) != "") {
			continue
		}
		tabs = append(tabs, tab{
			Name: s.bank.Name, Href: href, Current: path == href, New: path != href && m.unread(s), Asked: open[s.consent],
		})
	}
	return tabs
}

// back is the chat that a form was on, if it is one of the person's.
func (m *Messenger) back(p *person, from string) string {
	for _, t := range m.tabs(p, "") {
		if t.Href == from {
			return t.Href
		}
	}
	return "/"
}
