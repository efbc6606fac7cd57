package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"sluice/authn/banklogin"
	"sluice/bank/holdings"
	"sluice/consent"
	"sluice/consent/receipt"
	"sluice/disclosure"
	"sluice/registry"
)

// Ask is an authorization request that waits for the customer's decision.
type Ask struct {
	Consent  consent.ID
	Bank     consent.BankID
	Partner  consent.PartnerID
	Replaces consent.ID // what it takes the place of, if that is the same customer's; "" for none
	ReturnTo string     // where the browser goes on after the decision: a path here
}

// ErrNoAsk means that there is no such request, or that it is not this browser's.
var ErrNoAsk = errors.New("no such request in this browser")

// ErrAskOver means that the request is over: too late, or answered already.
var ErrAskOver = errors.New("the request is over")

// Asks finds authorization requests. It knows whether a request came from the
// browser that began it. Its errors wrap ErrNoAsk or ErrAskOver, or mean that it
// can't be said now.
type Asks interface {
	Find(r *http.Request, ref string) (Ask, error)
}

// Login logs customers in at their banks.
type Login interface {
	Begin(ctx context.Context, bank consent.BankID, locale string) (string, banklogin.Pending, error)
	Finish(ctx context.Context, p banklogin.Pending, came url.Values) (banklogin.Customer, error)
}

// Accounts asks a bank which accounts a customer has; holdings.Of over a directory.
type Accounts interface {
	Of(ctx context.Context, b consent.BankID, c consent.CustomerID) ([]holdings.Account, error)
}

// Disclosures is the record of releases and refusals.
type Disclosures interface {
	List(ctx context.Context, q disclosure.Query) ([]disclosure.Record, error)
	Days(ctx context.Context, id consent.ID, from, to consent.Day) ([]disclosure.DayCount, error)
	LastRelease(ctx context.Context, ids ...consent.ID) (map[consent.ID]time.Time, error)
	Refusals(ctx context.Context, id consent.ID, from, to consent.Day) ([]disclosure.RefusalCount, error)
}

// Receipts signs statements about consents.
type Receipts interface {
	Of(ctx context.Context, f receipt.Facts) (string, error)
}

// Parties knows who is registered.
type Parties interface {
	Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error)
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
	Banks(ctx context.Context) ([]registry.Bank, error)
}

// Config is what the pages need. Everything without a remark must be set.
type Config struct {
	Book        *consent.Book
	Disclosures Disclosures
	Accounts    Accounts
	Login       Login
	Asks        Asks // nil: requests come by gRPC only
	Receipts    Receipts
	Parties     Parties
	Sessions    Sessions
	Operator    string         // who checks partners' names, as customers know them
	Zone        *time.Location // in which days end and times are shown; nil: UTC
	Now         func() time.Time
	Log         *slog.Logger // what failed inside; nil: nowhere
}

// Site is the customer's pages. It may be used by many goroutines.
type Site struct {
	config Config
	mux    *http.ServeMux
	pages  map[string]map[string]*template.Template // language, then page
	speech map[string]*speech
	static map[string]asset
	cross  *http.CrossOriginProtection
}

// New makes the pages. It fails only if they do not fit together.
func New(c Config) (*Site, error) {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Site{config: c, mux: http.NewServeMux(), cross: http.NewCrossOriginProtection()}
	var err error
	if s.static, err = assets(); err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	if s.speech, err = speeches(c.Zone); err != nil {
		return nil, fmt.Errorf("read catalogues: %w", err)
	}
	if s.pages, err = s.templates(); err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	s.routes()
	return s, nil
}

// ServeHTTP serves one page.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header(), r.Host)
	s.mux.ServeHTTP(w, r)
}

func (s *Site) routes() {
	s.mux.HandleFunc("GET /static/{name}", s.serveStatic)
	s.get("/{$}", (*visit).dashboard)
	s.get("/login", (*visit).chooseBank)
	s.get("/login/{bank}", (*visit).toBank)
	s.get("/login/callback", (*visit).fromBank)
	s.get("/logout", (*visit).askLogout)
	s.post("/logout", (*visit).logout)
	s.get("/ask/{ref}", (*visit).showAsk)
	s.post("/ask/{ref}", (*visit).answerAsk)
	s.get("/give/{consent}", (*visit).showGive)
	s.post("/give/{consent}", (*visit).answerGive)
	s.get("/consents/{id}", (*visit).showConsent)
	s.get("/consents/{id}/narrow", (*visit).showNarrow)
	s.post("/consents/{id}/narrow", (*visit).narrow)
	s.get("/consents/{id}/renew", (*visit).showRenew)
	s.post("/consents/{id}/renew", (*visit).renew)
	s.post("/consents/{id}/pause", (*visit).pause)
	s.post("/consents/{id}/resume", (*visit).resume)
	s.get("/consents/{id}/revoke", (*visit).showRevoke)
	s.post("/consents/{id}/revoke", (*visit).revoke)
	s.get("/consents/{id}/withdraw", (*visit).showWithdraw)
	s.post("/consents/{id}/withdraw", (*visit).withdraw)
	s.post("/consents/{id}/agree", (*visit).agree)
	s.post("/consents/{id}/refuse", (*visit).refuse)
	s.get("/consents/{id}/receipt", (*visit).showReceipt)
	s.get("/consents/{id}/receipt.jwt", (*visit).receiptFile)
	s.get("/stop", (*visit).showStop)
	s.post("/stop", (*visit).stop)
	s.get("/", (*visit).nothing)
	s.post("/", (*visit).nothing)
}

// action makes the answer of one page; an error becomes an error page.
type action func(*visit) error

func (s *Site) get(path string, do action) {
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { s.visit(w, r, do) })
}

// post is for changes: the request must come from a page of the same visit.
func (s *Site) post(path string, do action) {
	s.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		s.visit(w, r, func(v *visit) error {
			if err := v.genuine(); err != nil {
				return err
			}
			return do(v)
		})
	})
}
