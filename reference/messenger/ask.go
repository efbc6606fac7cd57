package messenger

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice/reference/messenger/holding"
	"sluice/reference/messenger/intent"
)

// maxAsk is how long a question to the messenger may be, in letters.
const maxAsk = 500

// ask takes a question and answers it.
func (m *Messenger) ask(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimSpace(r.PostFormValue("text"))
	switch {
	case text == "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxAsk:
		m.fail(w, r, http.StatusBadRequest, "trouble.long")
		return
	}
	p := m.welcome(w, r)
	said := entry{id: rand.Text(), own: true}
	if text, said.left = m.hiding.hide(text); said.left {
		m.config.Log.InfoContext(r.Context(), "a number was left out of a question")
	}
	said.text = text
	m.write(p, said)
	m.answer(r.Context(), p, text)
	http.Redirect(w, r, "/#l-"+said.id, http.StatusSeeOther)
}

func (m *Messenger) answer(ctx context.Context, p *person, text string) {
	q := m.understand.Understand(text, m.config.Now().In(m.config.Zone))
	_, ofPayments := paymentsFor(q.Intent)
	switch {
	case q.Intent == intent.Balance, q.Intent == intent.Spending, ofPayments:
		m.answerMoney(ctx, p, q, text)
	case q.Intent == intent.TalkToBank && q.Urgent:
		m.write(p, m.offerTalk(p, entry{key: "say.urgent"}, text))
	case q.Intent == intent.TalkToBank && q.Label != "":
		m.write(p, m.offerTalk(p, entry{key: "say.bank_knows"}, text))
	case q.Intent == intent.TalkToBank:
		m.write(p, m.offerTalk(p, entry{key: "say.talk"}, ""))
	case q.Intent == intent.StopSharing:
		m.write(p, entry{key: "say.stop", actions: []action{{key: "nav.share", href: "/share"}}})
	case q.Intent == intent.WhatIsShared:
		m.write(p, entry{key: "say.shared", actions: []action{{key: "nav.share", href: "/share"}, {key: "nav.holds", href: "/holds"}}})
	case q.Intent == intent.Help:
		m.write(p, entry{key: "say.help"})
	default:
		if !m.hiding.hasWords(text) {
			text = "" // there is nothing to send to anybody
		}
		m.write(p, m.offerTalk(p, entry{key: "say.unknown", args: []string{"say.help"}}, text))
	}
}

// offerTalk offers those who can help where the messenger can't. With a text, that
// is sent to the bank as it is.
func (m *Messenger) offerTalk(p *person, e entry, text string) entry {
	for _, s := range m.shares(p, service) {
		a := action{key: "action.talk", arg: s.bank.Name, href: "/talk/" + s.consent}
		if text != "" {
			a.key, a.send, e.text = "action.pass_on", "/talk/"+s.consent, text
		}
		e.actions = append(e.actions, a)
	}
	if len(e.actions) == 0 {
		e.actions = []action{{key: "action.connect_service", href: "/connect"}}
	}
	return e
}

// answerMoney asks each bank, and writes the answers in the order of the banks.
func (m *Messenger) answerMoney(ctx context.Context, p *person, q intent.Question, text string) {
	shares := m.shares(p, money)
	help := false
	if what, is := paymentsFor(q.Intent); is {
		help = what.help
	}
	rests := m.rests(p, money)
	if len(shares) == 0 && len(rests) == 0 {
		m.write(p, entry{key: "say.not_connected", actions: []action{{key: "action.connect", href: "/connect"}}})
	}
	answers := make([]entry, len(shares))
	var all sync.WaitGroup
	for i, s := range shares {
		all.Go(func() { answers[i] = m.answerFrom(ctx, s, q) })
	}
	all.Wait()
	for _, e := range slices.Concat(answers, rests) {
		m.write(p, e)
	}
	if help {
		m.write(p, m.offerTalk(p, entry{key: "say.bank_knows"}, text))
	}
}

// found is what a bank answered, with what it needs to be kept.
type found struct {
	what  string
	value any
	needs []holding.Cover
}

var (
	errNothingShared = errors.New("nothing of this kind is shared")
	errNotBack       = errors.New("what is shared does not reach back to there")
	errChanged       = errors.New("what is shared changed meanwhile")
)

// answerFrom asks one bank, and once more if what is shared changed meanwhile: then
// the answer is of what is shared now. The answer itself is in the holding alone.
func (m *Messenger) answerFrom(ctx context.Context, s *sharing, q intent.Question) entry {
	e := entry{id: rand.Text(), consent: s.consent, args: []string{s.bank.Name}}
	err := m.fetch(ctx, s, q, e.id)
	if err != nil && trouble(err) == "trouble.changed" && m.standing(s) == live {
		m.config.Log.InfoContext(ctx, "a question is asked again", "bank", s.bank.ID, "error", err)
		if err = m.refresh(ctx, s); err == nil {
			s.access.Stale()
			err = m.fetch(ctx, s, q, e.id)
		}
	}
	if err == nil {
		return e
	}
	m.config.Log.InfoContext(ctx, "a question was not answered", "bank", s.bank.ID, "error", err)
	if rest, rests := m.rest(s); rests {
		return rest
	}
	return m.excuse(s, q, err)
}

// fetch asks a bank and keeps its answer under that name.
func (m *Messenger) fetch(ctx context.Context, s *sharing, q intent.Question, id string) error {
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return errNotLive
	}
	f, err := m.pull(ctx, s, q)
	if err != nil {
		return err
	}
	if !m.holding.Keep(ticket, holding.Item{ID: id, What: f.what, Needs: f.needs, Value: f.value}) {
		return errChanged
	}
	return nil
}

// excuse says why a bank's answer is not there. If something is not shared, it is
// named.
func (m *Messenger) excuse(s *sharing, q intent.Question, err error) entry {
	e := entry{key: trouble(err), args: []string{s.bank.Name}}
	if e.key == "trouble.nothing_shared" {
		missing := "missing.payments"
		if q.Intent == intent.Balance {
			missing = "missing.balances"
		}
		e.key, e.args = "trouble.missing", append(e.args, missing)
		e.actions = []action{{key: "nav.share", href: "/share"}, {key: "action.connect", href: "/connect"}}
	}
	return e
}

func (m *Messenger) pull(ctx context.Context, s *sharing, q intent.Question) (found, error) {
	switch q.Intent {
	case intent.Balance:
		return m.pullBalances(ctx, s)
	case intent.Spending:
		return m.pullSpending(ctx, s, q)
	default:
		return m.pullPayments(ctx, s, q)
	}
}

// trouble is the text for an error.
func trouble(err error) string {
	switch {
	case errors.Is(err, errNothingShared):
		return "trouble.nothing_shared"
	case errors.Is(err, errNotBack):
		return "trouble.not_back"
	case errors.Is(err, errChanged), errors.Is(err, errNotLive):
		return "trouble.changed"
	}
	if status.Code(err) == codes.Unimplemented {
		return "trouble.not_possible" // this gateway does not do it
	}
	switch reason := reasonOf(err); reason {
	case "CONSENT_PENDING", "CONSENT_PAUSED", "CONSENT_SUSPENDED":
		return "trouble.resting"
	case "CONSENT_EXPIRED", "CONSENT_REVOKED", "CONSENT_CONSUMED", "CONSENT_REJECTED", "CONSENT_SUPERSEDED", "CONSENT_NOT_FOUND":
		return "trouble.over"
	case "ACCOUNT_NOT_COVERED", "CLUSTER_NOT_COVERED", "PURPOSE_NOT_PERMITTED":
		return "trouble.nothing_shared"
	case "LOOKBACK_EXCEEDED":
		return "trouble.not_back"
	case "BANK_UNAVAILABLE", "DEADLINE_EXCEEDED":
		return "trouble.bank_silent"
	case "BANK_SUSPENDED", "PARTNER_SUSPENDED":
		return "trouble.suspended"
	case "CHANGE_NOT_POSSIBLE", "CONSENT_CONFLICT":
		return "trouble.not_possible"
	case "GRANT_CHANGED":
		return "trouble.changed"
	case "INVALID_REQUEST":
		return "trouble.refused"
	default:
		return "trouble.later"
	}
}
