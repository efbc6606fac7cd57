package samplebank

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	bankv1 "sluice/gen/sluice/bank/v1"
)

//go:embed desk
var deskFiles embed.FS

// DeskConfig is what a desk needs.
type DeskConfig struct {
	// Agents are the names that can be chosen at the door. There is no password:
	// the desk is for a demonstration, on this machine.
	Agents []string
	// Consents is the bank's own view of its customers' consents; nil: they can't be shown.
	Consents bankv1.ConsentServiceClient
	// Hosts are names the desk is reached by, besides those of this machine itself.
	Hosts []string
}

// desk is where the bank's agents work.
type desk struct {
	bank     *Bank
	config   DeskConfig
	pages    map[string]*template.Template
	sessions *deskSessions
	live     chan struct{} // one for each page that is kept up to date
}

var errNoAgents = errors.New("a desk needs agents, each with a name of 1 to 60 characters")

// NewDesk is the page on which the bank's agents answer customers, raise alerts,
// and see the consents and how the channel is used. It works without scripts, and
// is up to date by itself with them.
func NewDesk(b *Bank, c DeskConfig) (http.Handler, error) {
	if len(c.Agents) == 0 || slices.ContainsFunc(c.Agents, func(name string) bool {
		n := utf8.RuneCountInString(name)
		return n < 1 || n > 60 || !utf8.ValidString(name)
	}) {
		return nil, errNoAgents
	}
	d := &desk{bank: b, config: c, sessions: newDeskSessions(b.now), live: make(chan struct{}, maxLive)}
	var err error
	if d.pages, err = d.templates(); err != nil {
		return nil, fmt.Errorf("read the desk's pages: %w", err)
	}
	return d.guard(d.routes()), nil
}

func (d *desk) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /static/{name}", d.static)
	m.HandleFunc("GET /sign-in", d.door)
	m.HandleFunc("POST /sign-in", d.enter)
	m.HandleFunc("POST /sign-out", d.leave)
	m.HandleFunc("GET /{$}", d.signedIn(d.queue))
	m.HandleFunc("GET /conversations/{id}", d.signedIn(d.conversation))
	m.HandleFunc("POST /conversations/{id}/reply", d.signedIn(d.reply))
	m.HandleFunc("POST /conversations/{id}/read", d.signedIn(d.quietly(d.bank.talks.read)))
	m.HandleFunc("POST /conversations/{id}/writing", d.signedIn(d.quietly(d.bank.talks.writes)))
	m.HandleFunc("POST /conversations/{id}/close", d.signedIn(d.close))
	m.HandleFunc("GET /conversations/{id}/alert", d.signedIn(d.alert))
	m.HandleFunc("POST /conversations/{id}/alert", d.signedIn(d.raise))
	m.HandleFunc("GET /consents", d.signedIn(d.consents))
	m.HandleFunc("GET /engagement", d.signedIn(d.engagement))
	m.HandleFunc("GET /changes", d.signedIn(d.changes))
	m.HandleFunc("/", d.signedIn(d.nothing))
	return m
}

// deskPolicy lets a page load its own stylesheet, script and icon, send its forms
// here and read here, and nothing else; nobody may frame it.
const deskPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxDeskForm bounds a form: the longest message, each character escaped.
const maxDeskForm = 64 << 10

// guard refuses forms of other sites, and names that are not the desk's: without a
// password at the door, a page elsewhere must not reach it by a name of its own.
func (d *desk) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", deskPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if !d.own(r.Host) {
			http.Error(w, "the desk is not served under this name", http.StatusMisdirectedRequest)
			return
		}
		if err := cross.Check(r); err != nil {
			http.Error(w, "the form came from another site", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxDeskForm)
		next.ServeHTTP(w, r)
	})
}

// own says whether a name is one of the desk's.
func (d *desk) own(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback() ||
		slices.ContainsFunc(d.config.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

// templates parses each page with the layout around it.
func (d *desk) templates() (map[string]*template.Template, error) {
	out := map[string]*template.Template{}
	for _, name := range []string{"door", "queue", "conversation", "alert", "consents", "engagement", "message"} {
		t, err := template.New(name).Funcs(template.FuncMap{
			"moment": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
			"day":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
			"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		}).ParseFS(deskFiles, "desk/layout.html", "desk/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}

// deskFrame is what is around a page's content.
type deskFrame struct {
	Bank, Agent, Page string
	Live              string // where the page is read anew when something changes; empty: it isn't
	View              any
}

// render makes a page whole before anything of it is sent.
func (d *desk) render(w http.ResponseWriter, status int, f deskFrame) {
	f.Bank = d.bank.Name()
	var b bytes.Buffer
	if err := d.pages[f.Page].ExecuteTemplate(&b, "layout", f); err != nil {
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser is gone if this fails
}

// message is a page that says one thing.
func (d *desk) message(w http.ResponseWriter, status int, agent, title, text string) {
	d.render(w, status, deskFrame{Agent: agent, Page: "message", View: struct{ Title, Text string }{title, text}})
}

func (d *desk) nothing(w http.ResponseWriter, _ *http.Request, agent string) {
	d.message(w, http.StatusNotFound, agent, "There is nothing here", "The page, or the conversation, is not at this desk.")
}

func (d *desk) static(w http.ResponseWriter, r *http.Request) {
	file := map[string]string{"desk.css": "desk/desk.css", "desk.js": "desk/desk.js", "desk.svg": "desk/desk.svg"}[r.PathValue("name")]
	if file == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, deskFiles, file)
}
