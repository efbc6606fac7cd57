package web_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/authn/banklogin"
	"sluice/bank"
	"sluice/bank/holdings"
	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/receipt"
	"sluice/disclosure"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/registry"
	"sluice/web"
)

// stand is the pages with everything around them faked but the consents.
type stand struct {
	t       testing.TB
	at      time.Time
	store   *flaky
	barrier *barrier
	book    *consent.Book
	site    *web.Site

	sessions *memory
	bank     *fakeBank
	login    *fakeLogin
	asks     *fakeAsks
	log      *fakeLog
	parties  *fakeParties
	receipts *fakeReceipts
}

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{
		t: t, at: time.Date(2026, time.May, 3, 14, 3, 7, 0, time.UTC), store: &flaky{Memory: consenttest.NewMemory()},
		barrier: &barrier{Barrier: consenttest.NewBarrier()}, sessions: newMemory(), bank: newFakeBank(), asks: &fakeAsks{asks: map[string]web.Ask{}},
		log: &fakeLog{}, receipts: &fakeReceipts{},
	}
	s.login = &fakeLogin{as: map[consent.BankID]banklogin.Customer{
		"morava": {Bank: "morava", ID: "ona", Name: "Ona Jonaitė"}, "vilnia": {Bank: "vilnia", ID: "v-77", Name: "Ona J."},
	}}
	s.parties = &fakeParties{
		partners: map[consent.PartnerID]registry.Partner{"messenger": {ID: "messenger", Name: "Messenger", Standing: registry.Active}},
		banks: []registry.Bank{
			{ID: "morava", Name: "Morava Bank", Standing: registry.Active, Login: registry.Login{Issuer: "https://morava.example", ClientID: "sluice"}},
			{ID: "vilnia", Name: "Vilnia", Standing: registry.Active, Login: registry.Login{Issuer: "https://vilnia.example", ClientID: "sluice"}},
			{ID: "nologin", Name: "No Login", Standing: registry.Active},
		},
	}
	s.book = consent.NewBook(s.store, s.barrier, s.now)
	site, err := web.New(web.Config{
		Book: s.book, Disclosures: s.log, Accounts: s.bank, Login: s.login, Asks: s.asks, Receipts: s.receipts,
		Parties: s.parties, Sessions: s.sessions, Operator: "Gate Keepers", Now: s.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.site = site
	return s
}

func (s *stand) now() time.Time { return s.at }

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func terms(at time.Time) consent.Terms {
	return consent.Terms{
		Clusters: consent.ClustersOf(consent.AccountBasic, consent.Balances, consent.TransactionsDetailed),
		Purpose:  consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "We show you where your money is.",
		LookBackDays: 90, ValidUntil: at.Add(180 * 24 * time.Hour), UnattendedPerDay: 4, RetentionDays: 30,
	}
}

// request is what the messenger asks for.
func (s *stand) request(change ...func(*consent.Terms)) consent.Consent {
	s.t.Helper()
	asked := terms(s.at)
	for _, f := range change {
		f(&asked)
	}
	c, err := s.book.Request(s.t.Context(), "messenger", "morava", asked)
	s.must(err)
	return c
}

// given is a consent that ona gave.
func (s *stand) given(choose ...func(*consent.Choice)) consent.Consent {
	s.t.Helper()
	return s.givenBy(ona(), choose...)
}

func (s *stand) givenBy(who consent.ByCustomer, choose ...func(*consent.Choice)) consent.Consent {
	s.t.Helper()
	c := s.request()
	choice := consent.Choice{Shares: []consent.Share{
		{Account: "acc-current-4821", Clusters: consent.ClustersOf(consent.AccountBasic, consent.Balances)},
		{Account: "acc-joint-7733", Clusters: consent.ClustersOf(consent.TransactionsDetailed)},
	}}
	for _, f := range choose {
		f(&choice)
	}
	c, err := s.book.Authorize(s.t.Context(), who, c.ID, 0, choice)
	s.must(err)
	return c
}

func ona() consent.ByCustomer   { return consent.ByCustomer{Bank: "morava", Customer: "ona"} }
func jonas() consent.ByCustomer { return consent.ByCustomer{Bank: "morava", Customer: "jonas"} }

func (s *stand) read(id consent.ID) consent.Consent {
	s.t.Helper()
	c, err := s.store.Memory.Get(s.t.Context(), id)
	s.must(err)
	return c
}

// ask is an authorization request for a consent.
func (s *stand) ask(c consent.Consent) string {
	s.asks.asks["ask_1"] = web.Ask{Consent: c.ID, Bank: c.Bank, Partner: c.Partner, ReturnTo: "/authorize/ask_1"}
	return "/ask/ask_1"
}

// flaky is a store that can be away.
type flaky struct {
	*consenttest.Memory
	away bool
}

var errAway = errors.New("the secret host db-7 is away")

func (f *flaky) Get(ctx context.Context, id consent.ID) (consent.Consent, error) {
	if f.away {
		return consent.Consent{}, errAway
	}
	return f.Memory.Get(ctx, id)
}

func (f *flaky) List(ctx context.Context, q consent.Query) ([]consent.Consent, error) {
	if f.away {
		return nil, errAway
	}
	return f.Memory.List(ctx, q)
}

// barrier can hang.
type barrier struct {
	*consenttest.Barrier
	hangs bool
}

func (b *barrier) Await(ctx context.Context, id consent.ID, revision int64) error {
	if b.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return b.Barrier.Await(ctx, id, revision)
}

// memory is a web.Sessions.
type memory struct {
	mu       sync.Mutex
	away     bool
	sessions map[web.Key]web.Session
	logins   map[web.Key]login
}

type login struct {
	browser web.Key
	pending web.Pending
}

func newMemory() *memory {
	return &memory{sessions: map[web.Key]web.Session{}, logins: map[web.Key]login{}}
}

func (m *memory) Session(_ context.Context, k web.Key) (web.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.sessions[k]
	switch {
	case m.away:
		return web.Session{}, errAway
	case !ok:
		return web.Session{}, web.ErrNoSession
	}
	return found, nil
}

func (m *memory) Move(_ context.Context, from, to web.Key, s web.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, from)
	m.sessions[to] = s
	return nil
}

func (m *memory) Seen(_ context.Context, k web.Key, s web.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.sessions[k]; ok {
		m.sessions[k] = s
	}
	return nil
}

func (m *memory) End(_ context.Context, k web.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, k)
	return nil
}

func (m *memory) Begin(_ context.Context, browser, state web.Key, p web.Pending, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logins[state] = login{browser, p}
	return nil
}

func (m *memory) Take(_ context.Context, browser, state web.Key) (web.Pending, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.logins[state]
	if !ok || found.browser != browser {
		return web.Pending{}, web.ErrNoSession
	}
	delete(m.logins, state)
	return found.pending, nil
}

// fakeBank knows ona's and jonas' accounts, and counts how often it is asked.
type fakeBank struct {
	away   bool
	asked  atomic.Int64 // banks are asked at once
	joint  bool         // whether the joint account needs both
	extras map[consent.CustomerID][]holdings.Account
}

func newFakeBank() *fakeBank { return &fakeBank{extras: map[consent.CustomerID][]holdings.Account{}} }

func (f *fakeBank) Of(_ context.Context, b consent.BankID, c consent.CustomerID) ([]holdings.Account, error) {
	f.asked.Add(1)
	if f.away {
		return nil, errors.Join(bank.ErrUnavailable, errAway)
	}
	if b != "morava" {
		return f.extras[c], nil
	}
	joint := holdings.Account{
		ID: "acc-joint-7733", Name: "Household", Number: "•••• 7733", Currency: "EUR", Kind: datav1.AccountKind_ACCOUNT_KIND_CURRENT,
		Holders: []holdings.Holder{{Customer: "jonas", Name: "Jonas Jonaitis", MustAgree: f.joint}, {Customer: "ona", Name: "Ona Jonaitė", MustAgree: f.joint}},
	}
	current := holdings.Account{
		ID: "acc-current-4821", Name: "Everyday", Number: "•••• 4821", Currency: "EUR", Kind: datav1.AccountKind_ACCOUNT_KIND_CURRENT,
		Holders: []holdings.Holder{{Customer: "ona", Name: "Ona Jonaitė"}},
	}
	switch c {
	case "ona":
		return append([]holdings.Account{current, joint}, f.extras[c]...), nil
	case "jonas":
		return append([]holdings.Account{joint}, f.extras[c]...), nil
	}
	return f.extras[c], nil
}

// fakeLogin is every bank's login.
type fakeLogin struct {
	as  map[consent.BankID]banklogin.Customer
	err error
	n   int
}

func (f *fakeLogin) Begin(_ context.Context, b consent.BankID, locale string) (string, banklogin.Pending, error) {
	if f.err != nil {
		return "", banklogin.Pending{}, f.err
	}
	if _, ok := f.as[b]; !ok {
		return "", banklogin.Pending{}, banklogin.ErrNoLogin
	}
	f.n++
	state := string(b) + "-state-" + strings.Repeat("x", f.n)
	return "https://" + string(b) + ".example/authorize?state=" + state + "&ui_locales=" + locale, banklogin.Pending{Bank: b, State: state}, nil
}

func (f *fakeLogin) Finish(_ context.Context, p banklogin.Pending, came url.Values) (banklogin.Customer, error) {
	if f.err != nil {
		return banklogin.Customer{}, f.err
	}
	if came.Get("error") != "" {
		return banklogin.Customer{}, banklogin.ErrCancelled
	}
	return f.as[p.Bank], nil
}

// fakeAsks finds requests for the browser that has the cookie "asker".
type fakeAsks struct {
	asks map[string]web.Ask
	err  error
}

func (f *fakeAsks) Find(r *http.Request, ref string) (web.Ask, error) {
	if f.err != nil {
		return web.Ask{}, f.err
	}
	if _, err := r.Cookie("asker"); err != nil {
		return web.Ask{}, web.ErrNoAsk
	}
	a, ok := f.asks[ref]
	if !ok {
		return web.Ask{}, web.ErrAskOver
	}
	return a, nil
}

type fakeLog struct {
	away     bool
	records  []disclosure.Record
	days     []disclosure.DayCount
	refusals []disclosure.RefusalCount
	last     map[consent.ID]time.Time
}

func (f *fakeLog) List(_ context.Context, q disclosure.Query) ([]disclosure.Record, error) {
	if f.away {
		return nil, errAway
	}
	var out []disclosure.Record
	for _, r := range f.records {
		if r.Consent == q.Consent && (q.BeforeSeq == 0 || r.Seq < q.BeforeSeq) && len(out) < q.Limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (f *fakeLog) Days(context.Context, consent.ID, consent.Day, consent.Day) ([]disclosure.DayCount, error) {
	if f.away {
		return nil, errAway
	}
	return f.days, nil
}

func (f *fakeLog) LastRelease(_ context.Context, _ ...consent.ID) (map[consent.ID]time.Time, error) {
	if f.away {
		return nil, errAway
	}
	return maps.Clone(f.last), nil
}

func (f *fakeLog) Refusals(context.Context, consent.ID, consent.Day, consent.Day) ([]disclosure.RefusalCount, error) {
	if f.away {
		return nil, errAway
	}
	return f.refusals, nil
}

type fakeReceipts struct {
	facts receipt.Facts
	err   error
}

func (f *fakeReceipts) Of(_ context.Context, facts receipt.Facts) (string, error) {
	f.facts = facts
	return "e30.e30.c2ln", f.err
}

type fakeParties struct {
	partners map[consent.PartnerID]registry.Partner
	banks    []registry.Bank
	away     bool
}

func (f *fakeParties) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	if f.away {
		return registry.Partner{}, errAway
	}
	p, ok := f.partners[id]
	if !ok {
		return registry.Partner{}, registry.ErrNotFound
	}
	return p, nil
}

func (f *fakeParties) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	for _, b := range f.banks {
		if b.ID == id && !f.away {
			return b, nil
		}
	}
	return registry.Bank{}, errors.Join(registry.ErrNotFound, errAway)
}

func (f *fakeParties) Banks(context.Context) ([]registry.Bank, error) {
	if f.away {
		return nil, errAway
	}
	return f.banks, nil
}
