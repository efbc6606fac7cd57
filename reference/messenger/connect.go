package messenger

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"sluice/reference/messenger/link"
)

// offer is one bank as it is offered.
type offer struct {
	Bank   Bank
	Wishes []wishOffer
}

type wishOffer struct {
	Wish    wish
	Consent string // the consent there is, "" if there is none
}

// showConnect offers the banks.
func (m *Messenger) showConnect(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	var offers []offer
	for _, b := range m.config.Banks {
		o := offer{Bank: b}
		for _, wi := range []wish{money, service} {
			o.Wishes = append(o.Wishes, wishOffer{wi, m.held(p, b.ID, wi)})
		}
		offers = append(offers, o)
	}
	m.render(w, r, http.StatusOK, "connect", offers)
}

// held is the consent that a person has for a wish at a bank, unless it is over.
func (m *Messenger) held(p *person, bank string, w wish) string {
	if p == nil {
		return ""
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(p.sharings, func(s *sharing) bool { return s.bank.ID == bank && s.wish == w && s.standing != over })
	if i < 0 {
		return ""
	}
	return p.sharings[i].consent
}

// connect sends a customer to agree. It is a link, not a form: pages on the way may
// lead to a bank's own site, where no form of ours may end.
func (m *Messenger) connect(w http.ResponseWriter, r *http.Request) {
	bank, known := m.bank(r.PathValue("bank"))
	wi := wish(r.PathValue("wish"))
	if !known || !wi.valid() {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		m.fail(w, r, http.StatusForbidden, "trouble.cross")
		return
	}
	p := m.welcome(w, r)
	if m.held(p, bank.ID, wi) != "" {
		http.Redirect(w, r, "/share", http.StatusSeeOther)
		return
	}
	language := m.language(r)
	ask := wi.ask(bank.ID, m.texts.say(language, "purpose."+string(wi)), language, m.config.Now())
	to, err := m.link.Begin(r.Context(), p.browser, ask)
	if err != nil {
		m.config.Log.WarnContext(r.Context(), "a consent could not be asked for", "bank", bank.ID, "error", err)
		m.fail(w, r, http.StatusBadGateway, "trouble.connect")
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // to the authorization server, by the address that is configured
}

// done is where a customer comes back to.
func (m *Messenger) done(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	grant, ask, err := m.link.Finish(r.Context(), m.browser(r), r.URL.Query())
	switch {
	case p == nil || errors.Is(err, link.ErrNotBegun):
		m.fail(w, r, http.StatusBadRequest, "trouble.not_begun")
		return
	case errors.Is(err, link.ErrDenied):
		m.fail(w, r, http.StatusOK, "trouble.denied")
		return
	case err != nil:
		m.config.Log.WarnContext(r.Context(), "a consent could not be redeemed", "error", err)
		m.fail(w, r, http.StatusBadGateway, "trouble.connect")
		return
	}
	bank, wi := m.asked(ask)
	s := m.add(p, bank, wi, grant)
	if err := m.refresh(r.Context(), s); err != nil {
		m.config.Log.WarnContext(r.Context(), "a new consent could not be read", "error", err)
	}
	if m.standing(s) == live {
		m.write(p, entry{key: "notice.connected", args: []string{bank.Name, s.label()}})
	}
	http.Redirect(w, r, "/next/"+s.consent, http.StatusSeeOther)
}

func (m *Messenger) asked(a link.Ask) (Bank, wish) {
	bank, _ := m.bank(a.Bank)
	if a.Purpose == "CUSTOMER_SERVICE" {
		return bank, service
	}
	return bank, money
}

// next is what a customer is told after he agreed to something.
type next struct {
	Bank     Bank
	Wish     wish
	Standing standing
	Other    wish // what else he may agree to, "" for nothing
}

func (m *Messenger) showNext(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	s := m.own(p, r.PathValue("consent"))
	if s == nil {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	n := next{Bank: s.bank, Wish: s.wish, Standing: m.standing(s)}
	if m.held(p, s.bank.ID, s.wish.other()) == "" {
		n.Other = s.wish.other()
	}
	m.render(w, r, http.StatusOK, "next", n)
}

// freshFor is for how long what was read of a consent is gone by without asking,
// while its changes come by themselves.
const freshFor = 30 * time.Second

// look brings what a person shares up to date, so that a page shows nothing that
// has ended even while nothing comes by itself.
func (m *Messenger) look(ctx context.Context, p *person) {
	if p == nil {
		return
	}
	m.mu.Lock()
	due := slices.DeleteFunc(slices.Clone(p.sharings), func(s *sharing) bool {
		return s.standing == over || s.standing == live && m.config.Now().Before(s.read.Add(freshFor))
	})
	m.mu.Unlock()
	for _, s := range due {
		if err := m.refresh(ctx, s); err != nil {
			m.config.Log.WarnContext(ctx, "a consent could not be read", "error", err)
		}
	}
	for _, s := range m.shares(p, service) {
		m.list(ctx, s)
	}
}

// list reads alerts and conversations, unless that was done a short while ago:
// since then they came by themselves.
func (m *Messenger) list(ctx context.Context, s *sharing) {
	m.mu.Lock()
	now := m.config.Now()
	due := s.listed.IsZero() || !now.Before(s.listed.Add(freshFor))
	if due {
		s.listed = now
	}
	m.mu.Unlock()
	if !due {
		return
	}
	if err := errors.Join(m.listNames(ctx, s), m.listAlerts(ctx, s), m.listTalk(ctx, s)); err != nil {
		m.config.Log.WarnContext(ctx, "alerts and conversations could not be listed", "error", err)
	}
}
