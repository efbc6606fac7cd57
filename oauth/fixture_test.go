package oauth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/authn/replaytest"
	"sluice/authn/signing"
	"sluice/authn/signingdb"
	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/gateway"
	"sluice/oauth"
	"sluice/oauth/oauthdb"
	"sluice/registry"
	"sluice/seal"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

const (
	redirect = "https://messenger.example/back"
	audience = "sluice"
	bankID   = consent.BankID("morava")
	customer = consent.CustomerID("C-1")
)

// object is a JSON object.
type object = map[string]any

// world is an authorization server on loopback, with all around it that is not a
// bank or a page.
type world struct {
	t        *testing.T
	consents *flakyConsents
	url      string // the issuer's
	mtls     string // the same listener by another name
	db       *sqldb.DB
	store    *flaky
	book     *consent.Book
	parties  *parties
	ring     *signing.Ring
	sealer   *seal.Sealer
	replays  *replaytest.Memory
	server   *oauth.Server
	ca       *devca.Authority
	log      *logged
	names    gateway.Pairwise

	// present is whom a browser is logged in as; nil: whoever is asked for.
	present func(consent.BankID, consent.CustomerID) (bool, error)

	mu     sync.Mutex
	decide func(context.Context, oauth.Ask) error // nil: the customer has not decided
}

func newWorld(t *testing.T) *world { return newWorldOn(t, sqldbtest.SQLite) }

func newWorldOn(t *testing.T, open sqldbtest.Open) *world {
	t.Helper()
	w := &world{
		t: t, db: open(t), replays: &replaytest.Memory{}, log: &logged{}, names: gateway.NewPairwise(seal.NewKey()),
		consents: &flakyConsents{Store: consenttest.NewMemory()},
		parties: &parties{partners: map[consent.PartnerID]registry.Partner{}, banks: map[consent.BankID]registry.Bank{
			bankID:  {ID: bankID, Standing: registry.Active, Login: registry.Login{Issuer: "https://morava.example", ClientID: "sluice"}},
			"hrad":  {ID: "hrad", Standing: registry.Active, Login: registry.Login{Issuer: "https://hrad.example", ClientID: "sluice"}},
			"shut":  {ID: "shut", Standing: registry.Suspended, Login: registry.Login{Issuer: "https://shut.example", ClientID: "sluice"}},
			"plain": {ID: "plain", Standing: registry.Active},
		}},
	}
	w.book = consent.NewBook(w.consents, consenttest.NewBarrier(), time.Now)
	w.store = &flaky{Store: oauthdb.New(w.db)}
	w.decide = w.agree
	var err error
	w.sealer, err = seal.NewSealer(seal.NewKey())
	must(t, err)
	w.ring = signing.New(signingdb.New(w.db), w.sealer, time.Now)
	must(t, w.ring.Tend(t.Context()))
	w.ca, err = devca.Open(t.TempDir(), time.Now())
	must(t, err)
	w.listen()
	return w
}

// listen serves the authorization server, and in the place of the pages what the
// test decides.
func (w *world) listen() {
	mux := http.NewServeMux()
	ts := httptest.NewUnstartedServer(mux)
	cert, err := w.ca.Issue(authn.Identity{Kind: authn.Gateway, ID: "g1"}, time.Now())
	must(w.t, err)
	ts.TLS = &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ClientCAs: w.ca.Roots(), ClientAuth: tls.VerifyClientCertIfGiven,
	}
	ts.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(w.log, nil), slog.LevelError)
	host := ts.Listener.Addr().String()
	w.url, w.mtls = "https://"+host, "https://localhost"+host[strings.LastIndex(host, ":"):]
	w.server, err = oauth.New(w.config())
	must(w.t, err)
	w.server.Register(mux)
	mux.HandleFunc("GET /ask/{ref}", w.ask)
	ts.StartTLS()
	w.t.Cleanup(ts.Close)
}

func (w *world) config() oauth.Config {
	return oauth.Config{
		Issuer: w.url, MTLS: w.mtls, Audience: audience, AskPage: "/ask/", Book: w.book, Parties: w.parties, Names: w.names,
		Visitors: w, Ring: w.ring, Keys: w.parties, Replays: w.replays, Store: w.store, Sealer: w.sealer, HashKey: []byte(strings.Repeat("h", 32)),
		Fault: func(w http.ResponseWriter, _ *http.Request, status int) { http.Error(w, "fault", status) },
		Log:   slog.New(slog.NewTextHandler(w.log, nil)), Now: time.Now,
	}
}

// Present is what the pages would say.
func (w *world) Present(_ *http.Request, b consent.BankID, c consent.CustomerID) (bool, error) {
	if w.present == nil {
		return true, nil
	}
	return w.present(b, c)
}

// ask is the customer's page: it does at once what the customer decides.
func (w *world) ask(rw http.ResponseWriter, r *http.Request) {
	ask, err := w.server.Find(r, r.PathValue("ref"))
	switch {
	case errors.Is(err, oauth.ErrOtherBrowser):
		http.Error(rw, "other browser", http.StatusForbidden)
		return
	case err != nil:
		http.Error(rw, "over", http.StatusGone)
		return
	}
	w.mu.Lock()
	decide := w.decide
	w.mu.Unlock()
	if decide == nil {
		_, _ = io.WriteString(rw, ask.ReturnTo)
		return
	}
	if err := decide(r.Context(), ask); err != nil {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	http.Redirect(rw, r, ask.ReturnTo, http.StatusSeeOther)
}

// decides sets what the customer does from now on.
func (w *world) decides(f func(context.Context, oauth.Ask) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decide = f
}

// agree gives two accounts of the customer's.
func (w *world) agree(ctx context.Context, a oauth.Ask) error { return w.agreeAs(ctx, a, customer) }

func (w *world) agreeAs(ctx context.Context, a oauth.Ask, who consent.CustomerID) error {
	c, err := w.book.Get(ctx, consent.ByPartner(a.Partner), a.Consent)
	if err != nil {
		return err
	}
	_, err = w.book.Authorize(ctx, consent.ByCustomer{Bank: a.Bank, Customer: who}, a.Consent, c.Revision, consent.Choice{Shares: []consent.Share{
		{Account: "A-1", Clusters: c.Asked.Clusters}, {Account: "A-2", Clusters: consent.ClustersOf(consent.Balances)},
	}})
	return err
}

func (w *world) refuse(ctx context.Context, a oauth.Ask) error {
	_, err := w.book.Reject(ctx, consent.ByCustomer{Bank: a.Bank, Customer: customer}, a.Consent, 0)
	return err
}

// browser is one that stops before it would leave for the partner.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &http.Client{
		Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: w.ca.Roots()}},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), "https://messenger.example") {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// visit is what a browser got for an address: the partner's address it was sent
// to, or the status of the page.
func visit(t *testing.T, browser *http.Client, address string) (url.Values, int) {
	t.Helper()
	resp, err := browser.Get(address)
	must(t, err)
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return nil, resp.StatusCode
	}
	return to.Query(), resp.StatusCode
}

// parties are the registry and the partners' key addresses.
type parties struct {
	mu       sync.Mutex
	partners map[consent.PartnerID]registry.Partner
	banks    map[consent.BankID]registry.Bank
	keys     map[string]jose.JSONWebKeySet
	err      error
}

func (p *parties) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return registry.Partner{}, p.err
	}
	found, ok := p.partners[id]
	if !ok {
		return registry.Partner{}, registry.ErrNotFound
	}
	return found, nil
}

func (p *parties) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.banks[id]
	if !ok {
		return registry.Bank{}, registry.ErrNotFound
	}
	return found, nil
}

func (p *parties) Keys(_ context.Context, address string) (jose.JSONWebKeySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set, ok := p.keys[address]
	if !ok {
		return set, errors.New("connection refused")
	}
	return set, nil
}

func (p *parties) put(partner registry.Partner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partners[partner.ID] = partner
}

func (p *parties) suspend(id consent.PartnerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	partner := p.partners[id]
	partner.Standing = registry.Suspended
	p.partners[id] = partner
}

func (p *parties) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// flaky is a store that can be away, and that others can come before at.
type flaky struct {
	oauth.Store
	mu     sync.Mutex
	err    error
	before func() // done once, before a session is replaced
}

func (f *flaky) ReplaceSession(ctx context.Context, s oauth.SessionRow) error {
	f.mu.Lock()
	before := f.before
	f.before = nil
	f.mu.Unlock()
	if before != nil {
		before()
	}
	return f.Store.ReplaceSession(ctx, s)
}

func (f *flaky) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *flaky) failing() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *flaky) GrantByRefresh(ctx context.Context, refresh string) (oauth.GrantRow, error) {
	if err := f.failing(); err != nil {
		return oauth.GrantRow{}, err
	}
	return f.Store.GrantByRefresh(ctx, refresh)
}

func (f *flaky) Grant(ctx context.Context, id string) (oauth.GrantRow, error) {
	if err := f.failing(); err != nil {
		return oauth.GrantRow{}, err
	}
	return f.Store.Grant(ctx, id)
}

func (f *flaky) GrantByCode(ctx context.Context, code string) (oauth.GrantRow, error) {
	if err := f.failing(); err != nil {
		return oauth.GrantRow{}, err
	}
	return f.Store.GrantByCode(ctx, code)
}

func (f *flaky) SessionByRequest(ctx context.Context, request string) (oauth.SessionRow, error) {
	if err := f.failing(); err != nil {
		return oauth.SessionRow{}, err
	}
	return f.Store.SessionByRequest(ctx, request)
}

// flakyConsents are consents that can be away.
type flakyConsents struct {
	consent.Store
	mu  sync.Mutex
	err error
}

func (f *flakyConsents) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *flakyConsents) Get(ctx context.Context, id consent.ID) (consent.Consent, error) {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return consent.Consent{}, err
	}
	return f.Store.Get(ctx, id)
}

// logged is a log that many may write to.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	must(t, err)
	return string(raw)
}
