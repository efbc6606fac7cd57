package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"sluice/authn/banklogin"
	"sluice/consent"
	"sluice/registry"
)

// here are the pages that a login may go on with.
var here = regexp.MustCompile(`^/(?:(?:ask|give|consents)/[A-Za-z0-9_.-]{1,128}(?:/[a-z]{1,16}(?:\.jwt)?)?|stop|login)?(?:\?[A-Za-z0-9_.=&%-]{0,512})?$`)

// local is the address if it is a page here, else the start: nobody is sent
// away by an address that somebody made.
func local(address string) string {
	if here.MatchString(address) {
		return address
	}
	return "/"
}

type loginView struct {
	Banks []bankLink
	Next  string
}

type bankLink struct {
	ID   consent.BankID
	Name foreign
	URL  string
	In   bool // logged in there already
}

// chooseBank shows the banks whose customers can log in.
func (v *visit) chooseBank() error {
	all, err := v.config.Parties.Banks(v.ctx())
	if err != nil {
		return fmt.Errorf("list banks: %w", unavailable(err))
	}
	view := loginView{Next: local(v.r.URL.Query().Get("next"))}
	for _, b := range all {
		if b.Standing != registry.Active || b.Login == (registry.Login{}) {
			continue
		}
		_, in := v.identity(b.ID)
		view.Banks = append(view.Banks, bankLink{
			ID: b.ID, Name: nameOf(b.Name, string(b.ID)), URL: loginURL(b.ID, view.Next), In: in,
		})
	}
	return v.show("login", view)
}

// loginURL is where a login at a bank begins. It is a link, not a form: the
// answer to a form may not lead away from here.
func loginURL(b consent.BankID, next string) string {
	u := url.URL{Path: "/login/" + url.PathEscape(string(b)), RawPath: "/login/" + url.PathEscape(string(b))}
	u.Path = "/login/" + string(b)
	if next != "/" {
		u.RawQuery = url.Values{"next": {next}}.Encode()
	}
	return u.String()
}

// toBank sends the browser to its bank.
func (v *visit) toBank() error {
	next := local(v.r.URL.Query().Get("next"))
	to, pending, err := v.config.Login.Begin(v.ctx(), consent.BankID(v.r.PathValue("bank")), v.words.tag)
	if err != nil {
		return fmt.Errorf("begin login: %w", err)
	}
	err = v.config.Sessions.Begin(v.ctx(), keyOf(v.browser), keyOf(pending.State),
		Pending{Login: pending, Next: next}, v.at.Add(banklogin.PendingLife))
	if err != nil {
		return fmt.Errorf("keep login: %w", unavailable(err))
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// fromBank takes a browser back from its bank. A login that another browser
// began, or that was taken already, is none.
func (v *visit) fromBank() error {
	came := v.r.URL.Query()
	pending, err := v.config.Sessions.Take(v.ctx(), keyOf(v.browser), keyOf(came.Get("state")))
	if err != nil {
		return v.noPending(err)
	}
	who, err := v.config.Login.Finish(v.ctx(), pending.Login, came)
	if err != nil {
		return fmt.Errorf("finish login: %w", err)
	}
	if who.Bank != pending.Login.Bank || who.ID == "" {
		return fmt.Errorf("finish login: another bank's customer came back: %w", banklogin.ErrRefused)
	}
	if err := v.enter(Identity{Bank: who.Bank, Customer: who.ID, Name: who.Name, Since: v.at}); err != nil {
		return err
	}
	return v.see(local(pending.Next))
}

// askLogout lets a browser whose script is off confirm; POST does it.
func (v *visit) askLogout() error { return v.show("logout", nil) }

// logout forgets the session at once.
func (v *visit) logout() error {
	if err := v.config.Sessions.End(v.ctx(), keyOf(v.browser)); err != nil {
		return fmt.Errorf("end session: %w", unavailable(err))
	}
	v.session = Session{}
	v.setCookie(sessionCookie, "", -1)
	return v.show("message", messageView{Key: "logout.done", Done: true})
}

// needLogin sends a visitor who is nobody yet to log in, and then on to where
// they wanted to go.
func (v *visit) needLogin(next string) error {
	return v.see("/login?" + url.Values{"next": {next}}.Encode())
}

// noPending answers a return from a bank that no login here belongs to.
func (v *visit) noPending(err error) error {
	if errors.Is(err, ErrNoSession) {
		return fmt.Errorf("take login: %w: %w", banklogin.ErrRefused, err)
	}
	return fmt.Errorf("take login: %w", unavailable(err))
}
