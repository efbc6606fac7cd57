package messenger

import (
	"net/http"
	"slices"
	"strings"
	"time"

	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/reference/messenger/holding"
)

// sharePage is what a person shares.
type sharePage struct {
	Dashboard string
	Shared    []shared
}

type shared struct {
	Consent, Bank  string
	Wish           wish
	Standing       standing
	Why            string
	Accounts, Back int
	Kinds          []string // names of texts
	Until          time.Time
	Keeps          int
	Dashboard      string
	Over           bool
}

func (m *Messenger) showShare(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	m.look(r.Context(), p)
	page := sharePage{Dashboard: m.config.Dashboard}
	if p != nil {
		m.mu.Lock()
		for _, s := range slices.Backward(p.sharings) {
			page.Shared = append(page.Shared, m.sharedLocked(s))
		}
		m.mu.Unlock()
	}
	slices.SortStableFunc(page.Shared, func(a, b shared) int { return rankOver(a) - rankOver(b) })
	m.render(w, r, http.StatusOK, "share", page)
}

func rankOver(s shared) int {
	if s.Over {
		return 1
	}
	return 0
}

func (m *Messenger) sharedLocked(s *sharing) shared {
	out := shared{
		Consent: s.consent, Bank: s.bank.Name, Wish: s.wish, Standing: s.standing, Why: s.why, Until: s.until, Over: s.standing == over,
		Accounts: len(s.accounts), Back: int(s.given.GetLookBackDays()), Keeps: int(s.given.GetAsked().GetRetentionDays()),
		Dashboard: m.dashboardOf(s),
	}
	out.Kinds = kindsOf(s.given)
	return out
}

// kindsOf names the kinds of data of a consent. A detailed kind speaks for its basic
// one.
func kindsOf(c *consentv1.Consent) []string {
	var kinds []string
	for _, share := range c.GetShares() {
		for _, kind := range share.GetClusters() {
			if name := "cluster." + kindName(kind); !slices.Contains(kinds, name) {
				kinds = append(kinds, name)
			}
		}
	}
	return slices.DeleteFunc(kinds, func(name string) bool {
		detailed := strings.TrimSuffix(name, "_BASIC") + "_DETAILED"
		return strings.HasSuffix(name, "_BASIC") && slices.Contains(kinds, detailed)
	})
}

// showEnd asks before something is ended.
func (m *Messenger) showEnd(w http.ResponseWriter, r *http.Request) {
	s := m.own(m.visitor(r), r.PathValue("consent"))
	if s == nil {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	if m.standing(s) == over { // also while the page is open
		http.Redirect(w, r, "/share", http.StatusSeeOther)
		return
	}
	m.render(w, r, http.StatusOK, "end", shared{Consent: s.consent, Bank: s.bank.Name, Wish: s.wish})
}

// endSharing gives a consent up. What came by it is gone first, and nothing more is
// asked for: if the gateway can't be reached it stays so, and is told again.
func (m *Messenger) endSharing(w http.ResponseWriter, r *http.Request) {
	s := m.own(m.visitor(r), r.PathValue("consent"))
	if s == nil {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	m.beginEnd(s)
	m.leave(r.Context(), s.consent)
	http.Redirect(w, r, "/share", http.StatusSeeOther)
}

// beginEnd lets nothing more come by a consent that its customer ends.
func (m *Messenger) beginEnd(s *sharing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.ending = true
	m.holding.Close(s.consent)
}

// holdsPage is all that is held of what banks gave a person.
type holdsPage struct {
	Shelves []shelf
	Own     int // entries of the chat with the messenger
	Most    int
	Keys    int // sharings that we have tokens of
}

type shelf struct {
	Bank  string
	Wish  wish
	Items []thing
}

// thing is something that is held. Messages are one thing, however many there are.
type thing struct {
	What, Account string
	Count         int
	Since, Until  time.Time
	Answered      string // a text: what was answered to an alert
}

func (m *Messenger) showHolds(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	m.look(r.Context(), p)
	page := holdsPage{Most: maxEntries}
	if p != nil {
		m.mu.Lock()
		sharings := slices.Clone(p.sharings)
		page.Own = len(p.log)
		m.mu.Unlock()
		for _, s := range sharings {
			if m.standing(s) != over {
				page.Keys++
			}
			if items := m.holding.List(s.consent); len(items) > 0 {
				page.Shelves = append(page.Shelves, shelf{s.bank.Name, s.wish, m.things(s.consent, items)})
			}
		}
	}
	m.render(w, r, http.StatusOK, "holds", page)
}

func (m *Messenger) things(consent string, items []holding.Item) []thing {
	var out []thing
	messages := -1
	for _, i := range items {
		t := thing{What: "what." + i.What, Count: 1, Since: i.At, Until: i.Until}
		switch v := i.Value.(type) {
		case accountName:
			t.Account = v.full()
		case conversation:
			t.Account = m.nameOf(consent, v.Account)
		case alert:
			t.Account = m.nameOf(consent, v.Account)
			if v.Tap != "" {
				t.Answered = "alert." + choiceName(v.Answered)
			}
		case message:
			if messages >= 0 {
				out[messages].add(t)
				continue
			}
			messages = len(out)
		}
		out = append(out, t)
	}
	return out
}

// add makes one thing of two.
func (t *thing) add(o thing) {
	t.Count++
	if o.Since.Before(t.Since) {
		t.Since = o.Since
	}
	if o.Until.After(t.Until) {
		t.Until = o.Until
	}
}
