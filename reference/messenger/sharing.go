package messenger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/reference/messenger/holding"
	"sluice/reference/messenger/link"
)

// wish is what a customer can be asked for.
type wish string

const (
	money   wish = "money"   // show me what I have and spend
	service wish = "service" // warn me, and let me talk to my bank
)

const (
	consentDays   = 180
	lookBackDays  = 90
	moneyDays     = 7  // for how long answers stay in the chat
	serviceDays   = 30 // for how long alerts and conversations do
	servicePerDay = 1  // what is sent by itself does not count, but must be agreed to at all
)

func (w wish) valid() bool { return w == money || w == service }

func (w wish) other() wish {
	if w == money {
		return service
	}
	return money
}

func (w wish) purpose() consentv1.Purpose {
	if w == money {
		return consentv1.Purpose_PURPOSE_SPENDING_INSIGHTS
	}
	return consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE
}

// ask is what a customer is asked for at a bank.
func (w wish) ask(bank, text, language string, at time.Time) link.Ask {
	a := link.Ask{
		Bank: bank, Text: text, Purpose: strings.TrimPrefix(w.purpose().String(), "PURPOSE_"),
		Until: at.AddDate(0, 0, consentDays), Locale: language,
	}
	if w == money {
		a.Clusters = []string{"ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS_DETAILED", "CARD_TRANSACTIONS"}
		a.LookBackDays, a.RetentionDays = lookBackDays, moneyDays
		return a
	}
	a.Clusters = []string{"ACCOUNT_BASIC", "FRAUD_ALERTS", "CONVERSATIONS"}
	a.RetentionDays, a.UnattendedPerDay = serviceDays, servicePerDay
	return a
}

// standing is how things are with a consent.
type standing string

const (
	waiting standing = "waiting" // somebody must still agree
	live    standing = "live"
	resting standing = "resting" // paused, or held by the bank or the operator
	over    standing = "over"
)

// sharing is what one person shares of one bank for one wish: a consent.
type sharing struct {
	person  *person
	bank    Bank
	wish    wish
	consent string
	access  *link.Access

	standing standing
	why      string // a text: why it rests or is over
	ending   bool   // the customer ended it here, whatever the gateway says
	revision int64  // of the consent, as far as we know
	until    time.Time
	given    *consentv1.Consent // as last read
	read     time.Time          // when that was
	listed   time.Time          // when alerts and conversations were last listed
	accounts []string           // the ids of its accounts
	talked   bool               // a conversation was open
	seenIn   string             // the conversation that was shown last, and
	seen     string             // the bank's last message of it that was
	asked    map[string]string  // tap of an answer to an alert, by alert and choice
}

func standingOf(status consentv1.ConsentStatus) standing {
	switch status {
	case consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE:
		return live
	case consentv1.ConsentStatus_CONSENT_STATUS_PENDING, consentv1.ConsentStatus_CONSENT_STATUS_PARTIALLY_AUTHORIZED:
		return waiting
	case consentv1.ConsentStatus_CONSENT_STATUS_PAUSED, consentv1.ConsentStatus_CONSENT_STATUS_SUSPENDED:
		return resting
	default: // an end, or what we do not know
		return over
	}
}

// add makes a sharing of what a customer just gave.
func (m *Messenger) add(p *person, bank Bank, w wish, g link.Grant) *sharing {
	s := &sharing{
		person: p, bank: bank, wish: w, consent: g.Consent, access: m.link.Access(g), standing: waiting, asked: map[string]string{},
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p.sharings = append(p.sharings, s)
	m.sharings[s.consent] = s
	return s
}

// refresh reads a consent, and goes by it.
func (m *Messenger) refresh(ctx context.Context, s *sharing) error {
	got, err := m.read(ctx, s.consent)
	if err != nil {
		if to, why, of := standingBy(reasonOf(err)); of {
			m.settle(s, to, why)
			return nil
		}
		return fmt.Errorf("read consent: %w", err)
	}
	m.apply(s, got)
	return nil
}

// apply goes by a consent as it was read. Older news than we have are none.
func (m *Messenger) apply(s *sharing, c *consentv1.Consent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.read = m.config.Now()
	if s.standing == over || c.GetRevision() < s.revision {
		return
	}
	to := standingOf(c.GetStatus())
	changed := c.GetRevision() != s.revision || to != s.standing
	before := s.given
	s.revision, s.given = c.GetRevision(), c
	if c.GetValidUntil() != nil {
		s.until = c.GetValidUntil().AsTime()
	}
	switch {
	case to == over:
		m.settleLocked(s, over, overBy(c.GetStatus(), consentv1.ChangeReason_CHANGE_REASON_UNSPECIFIED))
	case to != live:
		m.settleLocked(s, to, restBy(c.GetStatus()))
	case changed && !s.ending:
		m.openLocked(s, before, c)
	}
}

// openLocked opens the holding for a consent that holds, as it is now.
func (m *Messenger) openLocked(s *sharing, before, c *consentv1.Consent) {
	if before != nil && c.GetLookBackDays() < before.GetLookBackDays() {
		for _, i := range m.holding.List(s.consent) {
			if i.What == whatSpending || i.What == whatPayments {
				m.holding.Remove(s.consent, i.ID)
			}
		}
	}
	m.holding.Open(s.consent, termsOf(c))
	s.accounts = nil
	for _, share := range c.GetShares() {
		s.accounts = append(s.accounts, share.GetAccountId())
	}
	if s.standing == resting {
		m.writeLocked(s.person, entry{key: "notice.resumed", args: []string{s.bank.Name, s.label()}})
	} else if before != nil && s.standing == live && less(before, c) {
		m.writeLocked(s.person, entry{key: "notice.narrowed", args: []string{s.bank.Name, s.label()}})
	}
	s.standing, s.why, s.listed = live, "", time.Time{}
	s.access.Stale()
	m.tell(s.person)
}

// less says that the second consent shares less than the first.
func less(before, after *consentv1.Consent) bool {
	now := termsOf(after).Covers
	return after.GetLookBackDays() < before.GetLookBackDays() ||
		slices.ContainsFunc(termsOf(before).Covers, func(c holding.Cover) bool { return !slices.Contains(now, c) })
}

// termsOf is what a consent covers. A detailed kind implies its basic one.
func termsOf(c *consentv1.Consent) holding.Terms {
	t := holding.Terms{RetentionDays: int(c.GetAsked().GetRetentionDays()), Until: c.GetValidUntil().AsTime()}
	add := func(account string, kind datav1.DataCluster) {
		cover := holding.Cover{Account: account, Kind: kindName(kind)}
		if !slices.Contains(t.Covers, cover) {
			t.Covers = append(t.Covers, cover)
		}
	}
	for _, share := range c.GetShares() {
		for _, kind := range share.GetClusters() {
			add(share.GetAccountId(), kind)
			switch kind {
			case datav1.DataCluster_DATA_CLUSTER_ACCOUNT_DETAILED:
				add(share.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC)
			case datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED:
				add(share.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC)
			default:
			}
		}
	}
	return t
}

func kindName(kind datav1.DataCluster) string {
	return strings.TrimPrefix(kind.String(), "DATA_CLUSTER_")
}

// settle is for a consent that does not hold, for now or for good: all that came by
// it is gone when this returns.
func (m *Messenger) settle(s *sharing, to standing, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settleLocked(s, to, why)
}

func (m *Messenger) settleLocked(s *sharing, to standing, why string) {
	m.holding.Close(s.consent)
	if s.standing == over || s.standing == to {
		return
	}
	before := s.standing
	s.standing, s.why, s.accounts, s.listed = to, why, nil, time.Time{}
	switch {
	case to == over:
		s.access.End()
		clear(s.asked)
		m.writeLocked(s.person, entry{key: "notice.over", args: []string{s.bank.Name, s.label(), why}})
	case before == live:
		m.writeLocked(s.person, entry{key: "notice.resting", args: []string{s.bank.Name, s.label(), why}})
	}
	m.tell(s.person)
}

// label is the text that names what is shared.
func (s *sharing) label() string { return "wish." + string(s.wish) }

// shares is a person's sharings of a wish that hold.
func (m *Messenger) shares(p *person, w wish) []*sharing {
	if p == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*sharing
	for _, s := range p.sharings {
		if s.wish == w && s.standing == live {
			out = append(out, s)
		}
	}
	return out
}

// own is a sharing of this person, nil for anybody else's.
func (m *Messenger) own(p *person, consent string) *sharing {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sharings[consent]; p != nil && s != nil && s.person == p {
		return s
	}
	return nil
}
