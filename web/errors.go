package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"sluice/authn/banklogin"
	"sluice/bank"
	"sluice/bank/holdings"
	"sluice/refusal"
)

// page is a failure as a page: its status chooses the words, or key does. The
// cause is for the log.
type page struct {
	status int
	key    string // of the catalogue; "" for the status' own
	cause  error
}

func (p *page) Error() string {
	return fmt.Sprintf("page %d: %v", p.status, p.cause)
}

func (p *page) Unwrap() error { return p.cause }

// unavailable is a failure of what is needed for every page.
func unavailable(cause error) error {
	return &page{status: http.StatusServiceUnavailable, cause: cause}
}

func notFound() error {
	return &page{status: http.StatusNotFound, cause: errors.New("not found, or not this customer's")}
}

// nothing is what is at every other address.
func (v *visit) nothing() error { return notFound() }

// fail answers with a page that says what the visitor can do, and nothing of
// why.
func (v *visit) fail(err error) {
	p := pageOf(err)
	if errors.Is(v.r.Context().Err(), context.Canceled) {
		return // the visitor has gone
	}
	if p.status >= http.StatusInternalServerError {
		v.config.Log.ErrorContext(v.ctx(), "a page failed", "path", v.pattern(), "status", p.status, "cause", err.Error())
	}
	if err := v.render(p.status, "message", messageView{Key: p.words()}); err != nil {
		v.config.Log.ErrorContext(v.ctx(), "an error page failed", "cause", err.Error())
		v.w.WriteHeader(http.StatusInternalServerError)
	}
}

// pattern is the address without what is in it.
func (v *visit) pattern() string { return v.r.Pattern }

type messageView struct {
	Key  string
	Next string // a page here to go on with
	Done bool   // it is no failure
}

func (p *page) words() string {
	if p.key != "" {
		return p.key
	}
	switch p.status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable:
		return fmt.Sprintf("error.%d", p.status)
	default:
		return "error.500"
	}
}

// pageOf finds the page of an error.
func pageOf(err error) *page {
	if p := (*page)(nil); errors.As(err, &p) {
		return p
	}
	switch {
	case errors.Is(err, ErrNoAsk):
		return &page{http.StatusNotFound, "error.ask", err}
	case errors.Is(err, ErrAskOver):
		return &page{http.StatusGone, "error.410", err}
	case errors.Is(err, banklogin.ErrCancelled):
		return &page{http.StatusForbidden, "error.login_cancelled", err}
	case errors.Is(err, banklogin.ErrRefused):
		return &page{http.StatusForbidden, "error.login_refused", err}
	case errors.Is(err, banklogin.ErrUnavailable):
		return &page{http.StatusServiceUnavailable, "error.login_unavailable", err}
	case errors.Is(err, banklogin.ErrNoLogin):
		return &page{http.StatusNotFound, "error.no_login", err}
	case errors.Is(err, bank.ErrUnavailable), errors.Is(err, bank.ErrNoCustomer), errors.Is(err, holdings.ErrInvalid):
		return &page{http.StatusServiceUnavailable, "error.bank_unavailable", err}
	}
	return refused(err)
}

// refused finds the page of a refusal.
func refused(err error) *page {
	switch refusal.ReasonOf(err) {
	case refusal.ConsentNotFound, refusal.PartyNotFound:
		return &page{http.StatusNotFound, "", err}
	case refusal.InvalidRequest:
		return &page{http.StatusBadRequest, "", err}
	case refusal.ChangeNotPossible:
		return &page{http.StatusConflict, "error.not_possible", err}
	case refusal.ConsentConflict:
		return &page{http.StatusConflict, "error.conflict", err}
	case refusal.BankUnavailable, refusal.BankAnswerInvalid:
		return &page{http.StatusServiceUnavailable, "error.bank_unavailable", err}
	case refusal.RecordUnavailable, refusal.PolicyUnavailable, refusal.DeadlineExceeded:
		return &page{http.StatusServiceUnavailable, "", err}
	default:
		return &page{http.StatusInternalServerError, "", err}
	}
}
