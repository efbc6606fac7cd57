package samplebank

import (
	"bytes"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

var (
	//go:embed login/login.html
	loginHTML string
	//go:embed login/login.css
	loginCSS []byte
)

// view is what the template shows.
type view struct {
	Text                       texts
	Bank, Example              string
	DemoPassword, DemoCode     string
	ID, CSRF, Customer, Notice string
	Form                       bool
}

// show is the page as it is first seen.
func (l *login) show(w http.ResponseWriter, r *http.Request) {
	v, err := l.visits.open(r.URL.Query().Get("id"), browserOf(r.Context()))
	if err != nil {
		l.ended(w, r)
		return
	}
	if v.Done() {
		l.goOn(w, r, v)
		return
	}
	l.form(w, r, http.StatusOK, v, "", "")
}

// enter takes what the customer has typed. Whatever of it is wrong, the answer is
// the same, so that it can't be used to find out who is a customer.
func (l *login) enter(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		l.ended(w, r)
		return
	}
	v, err := l.visits.open(r.PostForm.Get("id"), browserOf(r.Context()))
	if err != nil || !same(v.csrf, r.PostForm.Get("csrf")) {
		l.ended(w, r)
		return
	}
	customer := strings.TrimSpace(r.PostForm.Get("customer"))
	text := textsFor(v.asked.UILocales, r)
	switch {
	case r.PostForm.Has("cancel"):
		l.giveUp(w, r, v)
	case v.Done():
		l.goOn(w, r, v)
	case len(customer) <= maxCustomerID && !l.attempts.take(customer):
		l.form(w, r, http.StatusTooManyRequests, v, customer, text.TooMany)
	case !l.proved(customer, r.PostForm.Get("password"), r.PostForm.Get("code")):
		if l.visits.fail(v.id) >= maxTries {
			l.giveUp(w, r, v)
			return
		}
		l.form(w, r, http.StatusUnprocessableEntity, v, customer, text.Wrong)
	default:
		l.attempts.right(customer)
		if err := l.visits.enter(v.id, v.browser, customer); err != nil {
			l.ended(w, r)
			return
		}
		l.goOn(w, r, v)
	}
}

// maxCustomerID bounds a customer id, as the contract does.
const maxCustomerID = 128

// proved looks at all three, and answers only whether all are right.
func (l *login) proved(customer, password, code string) bool {
	known := len(customer) <= maxCustomerID && len(l.bank.accountsOf(customer)) > 0
	right := same(password, Password)
	second := same(strings.ReplaceAll(code, " ", ""), Code)
	return known && right && second
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// giveUp ends a login without anybody logged in.
func (l *login) giveUp(w http.ResponseWriter, r *http.Request, v visit) {
	l.visits.end(v.id)
	http.Redirect(w, r, l.refusal(v, "access_denied"), http.StatusSeeOther) //nolint:gosec // to the gateway's registered addresses only
}

// goOn leads back to the library, which answers the gateway.
func (l *login) goOn(w http.ResponseWriter, r *http.Request, v visit) {
	http.Redirect(w, r, "/authorize/callback?id="+url.QueryEscape(v.id), http.StatusSeeOther)
}

func (l *login) form(w http.ResponseWriter, r *http.Request, status int, v visit, customer, notice string) {
	if len(customer) > maxCustomerID {
		customer = ""
	}
	l.render(w, status, view{
		Text: textsFor(v.asked.UILocales, r), ID: v.id, CSRF: v.csrf, Customer: customer, Notice: notice, Form: true,
		Example: l.example, DemoPassword: Password, DemoCode: Code,
	})
}

// ended says that there is no such login, whatever the reason.
func (l *login) ended(w http.ResponseWriter, r *http.Request) {
	text := textsFor(nil, r)
	l.render(w, http.StatusBadRequest, view{Text: text, Notice: text.Ended})
}

func (l *login) render(w http.ResponseWriter, status int, p view) {
	p.Bank = l.bank.Name()
	var b bytes.Buffer
	t, err := template.New("login").Parse(loginHTML)
	if err == nil {
		err = t.Execute(&b, p)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("the page can't be shown: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Text.Lang)
	w.WriteHeader(status)
	// The browser is gone if this fails.
	_, _ = w.Write(b.Bytes())
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(loginCSS)
}

// example is the customer with the most accounts, for the hint on the page.
func (b *Bank) example() string {
	best, most := "", 0
	for customer := range b.data.customers {
		n := len(b.accountsOf(customer))
		if n > most || n == most && (len(customer) < len(best) || len(customer) == len(best) && customer < best) {
			best, most = customer, n
		}
	}
	return best
}
