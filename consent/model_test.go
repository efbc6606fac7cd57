package consent_test

import (
	"maps"
	"slices"
)

// model is a consent told over again, in sets of words and in milliseconds. It
// shares neither code nor shape with the state machine: it has no status of its
// own and no table, but works both out from what happened.
type model struct {
	bank, partner, customer string
	kinds                   map[string]bool // asked for
	askedLookBack           int
	oneTime                 bool
	born, end               int64
	agreed                  bool
	over                    string          // how it ended; "" while it has not
	waiting, named          map[string]bool // co-holders
	hidden                  bool            // from them
	wished, announced       int64           // an end: the partner's wish, and the one announced last; 0: none
	wishedAt                int64           // when the partner wished last; 0: never
	decided                 int64           // when anybody but the gateway last changed it, other than by a wish
	held                    map[string]bool
	accounts                map[string]map[string]bool
	lookBack                int
	changes                 int64
}

// The outcomes of a call.
const (
	done        = "done"
	same        = "same"
	missing     = "CONSENT_NOT_FOUND"
	conflicting = "CONSENT_CONFLICT"
	impossible  = "CHANGE_NOT_POSSIBLE"
	invalid     = "INVALID_REQUEST"
)

// caller is who makes a call: a customer of a bank, or another party by its role.
type caller struct{ role, bank, id string }

const (
	minute = int64(60_000)
	hour   = 60 * minute
	oneDay = 24 * hour
)

func (m *model) status() string {
	switch {
	case m.over != "":
		return m.over
	case !m.agreed:
		return "PENDING"
	case len(m.waiting) > 0:
		return "PARTIALLY_AUTHORIZED"
	case m.held["bank"] || m.held["operator"]:
		return "SUSPENDED"
	case m.held["customer"]:
		return "PAUSED"
	}
	return "ACTIVE"
}

func (m *model) live() bool { return m.over == "" && m.agreed && len(m.waiting) == 0 }

func (m *model) timeIsUp(now int64) bool {
	return now >= m.end || (!m.live() && now >= m.born+hour)
}

// role is in what role a caller comes; "" if the consent is out of their reach.
func (m *model) role(c caller) string {
	switch {
	case c.role == "bank" && c.id != m.bank, c.role == "partner" && c.id != m.partner:
		return ""
	case c.role != "customer":
		return c.role
	case c.bank != m.bank:
		return ""
	case c.id == m.customer, m.status() == "PENDING":
		return "customer"
	case m.named[c.id] && !m.hidden:
		return "co-holder"
	}
	return ""
}

// call is one change somebody wants.
type call struct {
	kind      string
	by        caller
	seen      int64 // the revision they saw, 0: any
	shares    []want
	lookBack  int   // -1: as it is
	end       int64 // 0: as it is
	coHolders []string
	informed  []string
	hidden    bool
	account   string
}

type want struct {
	account string
	kinds   []string
}

// make says what a call does, and does it.
func (m *model) make(c call, now int64) string {
	role := m.role(c.by)
	switch {
	case role == "":
		return missing
	case c.seen != 0 && c.seen != m.changes:
		return conflicting
	case c.kind == "revoke" && m.over == "REVOKED":
		return same
	case m.over != "" || !m.may(c, role):
		return impossible
	case c.kind != "revoke" && m.timeIsUp(now):
		return impossible
	case !m.sound(c, role, now):
		return invalid
	case c.kind == "ask" && m.wish(c, now) == m.wished:
		return same
	case c.kind == "ask" && m.wishedAt != 0 && now < m.wishedAt+oneDay:
		return impossible
	}
	m.changes++
	if c.kind == "ask" {
		m.wished, m.wishedAt = m.wish(c, now), now
		return done
	}
	m.decided = now
	m.do(c, role)
	m.settle()
	return done
}

// settle lets go of whoever holds, is awaited or wishes, once it is over.
func (m *model) settle() {
	if m.over != "" {
		m.held, m.waiting, m.wished = map[string]bool{}, map[string]bool{}, 0
	}
}

// wish is the end a partner's call asks for: at most a year from now. Within a
// day, one that differs by less than a day is the same.
func (m *model) wish(c call, now int64) int64 {
	end := min(c.end, now+366*oneDay)
	if lately := m.wished != 0 && now < m.wishedAt+oneDay; lately && end > m.end && end-m.wished < oneDay && m.wished-end < oneDay {
		return m.wished
	}
	return end
}

// may says whether such a call is possible at all.
func (m *model) may(c call, role string) bool {
	waits, mine := m.agreed && !m.live(), role == "customer"
	switch c.kind {
	case "authorize", "reject":
		return (!m.agreed && mine) || (waits && role == "co-holder" && m.waiting[c.by.id])
	case "narrow":
		return mine && m.agreed
	case "pause":
		return mine && m.live() && !m.held["customer"]
	case "resume":
		return mine && m.live() && m.held["customer"]
	case "suspend":
		return (role == "bank" || role == "operator") && m.live() && !m.held[role]
	case "unsuspend":
		return m.live() && role != "customer" && m.held[role]
	case "renew":
		return mine && (m.status() == "ACTIVE" || m.status() == "PAUSED")
	case "ask":
		return role == "partner" && m.live()
	case "withdraw":
		return m.agreed && role != "partner" && role != "operator"
	case "revoke":
		return role != "co-holder"
	case "supersede":
		return mine && m.live()
	}
	return false
}

// sound says whether what a possible call asks for is within bounds.
func (m *model) sound(c call, role string, now int64) bool {
	switch {
	case c.kind == "authorize" && role == "co-holder":
		return m.repeats(c)
	case c.kind == "authorize":
		return len(c.shares) > 0 && m.fits(c, now) && soundCoHolders(c) && (!c.hidden || len(c.coHolders)+len(c.informed) == 0)
	case c.kind == "narrow":
		return m.fits(c, now) && m.shrinks(c)
	case c.kind == "renew":
		return c.end > m.end && c.end <= now+366*oneDay
	case c.kind == "ask":
		return m.wish(c, now) > m.end
	case c.kind == "withdraw":
		return m.accounts[c.account] != nil
	}
	return true
}

// fits says whether a choice stays within what was asked, or what is shared.
func (m *model) fits(c call, now int64) bool {
	names, moves := map[string]bool{}, false
	for _, w := range c.shares {
		kinds := closure(w.kinds)
		if len(kinds) == 0 || names[w.account] || !covers(m.most(w.account), kinds) {
			return false
		}
		names[w.account] = true
		moves = moves || movesAny(kinds)
	}
	if len(c.shares) == 0 {
		moves = slices.ContainsFunc(slices.Collect(maps.Values(m.accounts)), movesAny)
	}
	days := m.daysAfter(c)
	return days >= 0 && days <= m.lookBack && (days > 0 || !moves) && (c.end == 0 || c.end > now && c.end <= m.end)
}

// most is what an account may share at most.
func (m *model) most(account string) map[string]bool {
	if m.agreed {
		return m.accounts[account]
	}
	return m.kinds
}

func covers(most, kinds map[string]bool) bool {
	for k := range kinds {
		if !most[k] {
			return false
		}
	}
	return true
}

func movesAny(kinds map[string]bool) bool {
	return kinds["TRANSACTIONS_BASIC"] || kinds["CARD_TRANSACTIONS"]
}

func (m *model) daysAfter(c call) int {
	if c.lookBack == -1 {
		return m.lookBack
	}
	return c.lookBack
}

func (m *model) shrinks(c call) bool {
	return c.end != 0 && c.end < m.end || m.daysAfter(c) < m.lookBack || len(c.shares) > 0 && !m.sharesAre(c.shares)
}

func (m *model) repeats(c call) bool {
	return m.sharesAre(c.shares) && m.daysAfter(c) == m.lookBack && (c.end == 0 || c.end == m.end) && len(c.coHolders)+len(c.informed) == 0 && !c.hidden
}

func (m *model) sharesAre(shares []want) bool {
	if len(shares) != len(m.accounts) {
		return false
	}
	seen := map[string]bool{}
	for _, w := range shares {
		if seen[w.account] || !maps.Equal(closure(w.kinds), m.accounts[w.account]) {
			return false
		}
		seen[w.account] = true
	}
	return true
}

func soundCoHolders(c call) bool {
	seen := map[string]bool{c.by.id: true}
	for _, h := range slices.Concat(c.coHolders, c.informed) {
		if seen[h] {
			return false
		}
		seen[h] = true
	}
	return true
}

func closure(kinds []string) map[string]bool {
	set := map[string]bool{}
	for _, k := range kinds {
		set[k] = true
		switch k {
		case "ACCOUNT_DETAILED":
			set["ACCOUNT_BASIC"] = true
		case "TRANSACTIONS_DETAILED":
			set["TRANSACTIONS_BASIC"] = true
		}
	}
	return set
}

// do makes a possible and sound call true.
func (m *model) do(c call, role string) {
	switch c.kind {
	case "authorize":
		if role == "co-holder" {
			delete(m.waiting, c.by.id)
			return
		}
		m.customer, m.agreed, m.hidden = c.by.id, true, c.hidden
		for _, h := range c.coHolders {
			m.waiting[h], m.named[h] = true, true
		}
		for _, h := range c.informed {
			m.named[h] = true
		}
		m.take(c)
	case "narrow":
		m.take(c)
	case "reject":
		m.over = "REJECTED"
		if role == "customer" {
			m.customer = c.by.id
		}
	case "pause", "suspend":
		m.held[role] = true
	case "resume", "unsuspend":
		delete(m.held, role)
	case "renew":
		m.end, m.wished = c.end, 0
	case "withdraw":
		if delete(m.accounts, c.account); len(m.accounts) == 0 {
			m.over = "REVOKED"
		}
	case "revoke":
		m.over = "REVOKED"
		if role == "customer" {
			m.customer = c.by.id
		}
	case "supersede":
		m.over = "SUPERSEDED"
	}
}

func (m *model) take(c call) {
	m.lookBack = m.daysAfter(c)
	if c.end != 0 {
		m.end = c.end
	}
	if len(c.shares) > 0 {
		m.accounts = map[string]map[string]bool{}
	}
	for _, w := range c.shares {
		m.accounts[w.account] = closure(w.kinds)
	}
}

// sweep is what the gateway does by itself; first and last are when data was
// first and last released, 0 for never.
func (m *model) sweep(now, first, last int64) int {
	switch {
	case m.over != "":
		return 0
	case m.timeIsUp(now):
		m.over = "EXPIRED"
	case m.live() && m.oneTime && first != 0 && now >= first+15*minute:
		m.over = "CONSUMED"
	case m.live() && m.announced != m.end && m.end-m.born > 30*oneDay && now >= m.end-30*oneDay:
		m.announced = m.end
	case m.status() == "ACTIVE" && now >= max(last, m.decided)+90*oneDay:
		m.held["customer"] = true
	default:
		return 0
	}
	m.changes++
	m.settle()
	return 1
}
