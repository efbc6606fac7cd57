package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"sluice/consent"
	"sluice/registry"
)

// What Find answers besides other failures.
var (
	// ErrOtherBrowser: the request was begun in another browser.
	ErrOtherBrowser = errors.New("the request was begun in another browser")
	// ErrOver: there is no such request, or it has ended.
	ErrOver = errors.New("the request is over")
)

// Ask is a request that waits for a customer's decision.
type Ask struct {
	Consent  consent.ID
	Partner  consent.PartnerID
	Bank     consent.BankID
	Replaces consent.ID // whose place it is to take, whosever that is; "" for none
	ReturnTo string     // path to send the browser to once the customer decided
}

// pushed makes a pushed request a request for a consent. Nothing can be asked of
// a bank that is suspended, and a grant to be replaced must be the client's own.
func (s *Server) pushed(ctx context.Context, as *goidc.AuthnSession, c *goidc.Client) error {
	if slices.Contains(strings.Fields(as.Scopes), ScopeConsents) {
		return goidc.NewError(goidc.ErrorCodeInvalidScope, "the scope consents is for tokens of the client's own")
	}
	if as.ResponseMode != "" && as.ResponseMode != goidc.ResponseModeQuery {
		return goidc.NewError(goidc.ErrorCodeInvalidRequest, "response_mode must be query")
	}
	bank, terms, err := asked(as.AuthDetails)
	if err != nil {
		return err
	}
	switch b, err := s.Parties.Bank(ctx, bank); {
	case errors.Is(err, registry.ErrNotFound):
		return invalidDetail("no such bank is registered")
	case err != nil:
		return troubled(ctx, fmt.Errorf("read bank: %w", err))
	case b.Standing != registry.Active || b.Login.Issuer == "":
		return invalidDetail("the bank can't be asked now")
	}
	if terms, err = s.managed(ctx, as, c, bank, terms); err != nil {
		return err
	}
	made, err := s.Book.Request(ctx, consent.PartnerID(c.ID), bank, terms)
	if err != nil {
		return told(err)
	}
	as.Store[storeConsent] = string(made.ID)
	as.Store[storeLocales] = locales(ctx)
	return nil
}

// bindBrowser takes every request: the browser is bound when it is answered.
func bindBrowser(*http.Request, *goidc.AuthnSession, *goidc.Client) bool { return true }

// decide sends the browser to the customer's page until the customer has decided,
// and then ends the request as decided. What he gave goes on in a browser that he
// is logged in in: a consent can be given wherever its id is known.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, _ *goidc.Client) (goidc.Status, error) {
	if !s.bound(w, r, as) {
		s.Fault(w, r, http.StatusForbidden)
		return goidc.StatusPending, nil
	}
	found, err := s.Book.Get(r.Context(), consent.ByPartner(consent.PartnerID(as.ClientID)), consent.ID(text(as.Store, storeConsent)))
	if err != nil { // it was made with the request: it can't be read now
		return s.later(w, r, err)
	}
	switch {
	case found.Status == consent.Pending:
		http.Redirect(w, r, s.askPage(as), http.StatusSeeOther)
		return goidc.StatusPending, nil
	case found.Status != consent.PartiallyAuthorized && !consent.Live(found.Status):
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "the request was refused or has ended")
	}
	switch here, err := s.Visitors.Present(r, found.Bank, found.Customer); {
	case err != nil:
		return s.later(w, r, err)
	case !here: // he agreed elsewhere, or his session ended: the page lets him in, and nobody else
		http.Redirect(w, r, s.askPage(as), http.StatusSeeOther)
		return goidc.StatusPending, nil
	}
	switch err := s.sameCustomer(r.Context(), as, found); {
	case troubleOf(r.Context()) != nil:
		return s.later(w, r, err)
	case err != nil:
		return goidc.StatusFailure, err
	}
	http.SetCookie(w, cookie(as.ID, "", -1))
	as.Subject = s.Names.Customer(found.Partner, found.Bank, found.Customer)
	as.GrantedScopes = as.Scopes
	if as.GrantedAuthDetails, err = s.given(found); err != nil {
		return goidc.StatusFailure, err
	}
	return goidc.StatusSuccess, nil
}

// later tells the customer that something failed inside: nothing is decided by that.
func (s *Server) later(w http.ResponseWriter, r *http.Request, err error) (goidc.Status, error) {
	s.failed(r.Context(), err)
	s.Fault(w, r, http.StatusServiceUnavailable)
	return goidc.StatusPending, nil
}

// askPage is where the customer decides, in a language of theirs.
func (s *Server) askPage(as *goidc.AuthnSession) string {
	page := s.AskPage + url.PathEscape(as.ID)
	if said := text(as.Store, storeLocales); said != "" {
		page += "?" + url.Values{"ui_locales": {said}}.Encode()
	}
	return page
}

// bound says whether this is the browser that began the request. The first one
// to come is: it gets a cookie that only it has.
func (s *Server) bound(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession) bool {
	if text(as.Store, storeBrowser) != "" {
		return s.cameFrom(r, as)
	}
	secret := rand.Text()
	as.Store[storeBrowser] = s.state.hash("browser", secret)
	http.SetCookie(w, cookie(as.ID, secret, sessionLifetime))
	return true
}

func (s *Server) cameFrom(r *http.Request, as *goidc.AuthnSession) bool {
	cookie, err := r.Cookie(cookieName(as.ID))
	want := text(as.Store, storeBrowser)
	return err == nil && want != "" && hmac.Equal([]byte(s.state.hash("browser", cookie.Value)), []byte(want))
}

func cookie(session, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(session), Value: value, Path: "/", MaxAge: age,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// cookieName is one for each request, so that two in one browser keep apart.
func cookieName(session string) string {
	return "__Host-sluice-ask-" + strings.ToLower(session[max(0, len(session)-12):])
}

// Find finds the request that a browser came with to the customer's page.
func (s *Server) Find(r *http.Request, ref string) (Ask, error) {
	as, err := s.state.Session(r.Context(), ref)
	switch {
	case errors.Is(err, ErrNotFound):
		return Ask{}, ErrOver
	case err != nil:
		return Ask{}, fmt.Errorf("find request: %w", err)
	case as.Status != goidc.StatusPending || int64(as.ExpiresAt) <= s.Now().Unix():
		return Ask{}, ErrOver
	case !s.cameFrom(r, as):
		return Ask{}, ErrOtherBrowser
	}
	bank, _, err := asked(as.AuthDetails)
	if err != nil {
		return Ask{}, fmt.Errorf("find request: %w", err)
	}
	ask := Ask{
		Consent: consent.ID(text(as.Store, storeConsent)), Partner: consent.PartnerID(as.ClientID), Bank: bank,
		ReturnTo: "/authorize/" + url.PathEscape(as.ID),
	}
	if id := text(as.Store, storeReplaces); id != "" {
		switch g, err := s.ownGrant(r.Context(), as.ClientID, id); {
		case err == nil:
			ask.Replaces = consent.ID(text(g.Store, storeConsent))
		case !errors.Is(err, errNoGrant):
			return Ask{}, fmt.Errorf("find request: %w", err)
		}
	}
	return ask, nil
}
