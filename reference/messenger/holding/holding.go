package holding

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Cover is a kind of data of one account.
type Cover struct{ Account, Kind string }

// Terms are what a customer agreed to.
type Terms struct {
	Covers        []Cover
	RetentionDays int
	Until         time.Time // the end of the consent
}

func (t Terms) covers(what []Cover) bool {
	return !slices.ContainsFunc(what, func(c Cover) bool { return !slices.Contains(t.Covers, c) })
}

// Most is how many things are held under one consent. The oldest make room: a bank
// may say more than anybody can keep.
const Most = 2_000

// Item is one thing held.
type Item struct {
	Consent string
	ID      string    // unique under its consent
	What    string    // what it is, to be named to the customer
	Needs   []Cover   // all of them must be covered
	Value   any       // must not be changed once it is here
	At      time.Time // when it came, and
	Until   time.Time // when it goes; both are set by the holding
}

// Ticket is leave to keep something under a consent as it stood when it was taken.
type Ticket struct {
	consent string
	turn    uint64
}

// Holding is what is held. It may be used by many goroutines.
type Holding struct {
	now func() time.Time

	mu    sync.Mutex
	turns uint64
	open  map[string]*shelf
}

type shelf struct {
	terms Terms
	turn  uint64
	items map[string]Item
}

// New makes an empty Holding.
func New(now func() time.Time) *Holding { return &Holding{now: now, open: map[string]*shelf{}} }

// Open says what is agreed under a consent from now on. Of what is held before, that
// which it does not cover is gone, and the rest goes no later than it says.
func (h *Holding) Open(consent string, t Terms) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turns++
	t.Covers = slices.Clone(t.Covers)
	s := &shelf{terms: t, turn: h.turns, items: map[string]Item{}}
	if before := h.open[consent]; before != nil {
		for id, i := range before.items {
			if i.Until = t.until(i.At); t.covers(i.Needs) && h.now().Before(i.Until) {
				s.items[id] = i
			}
		}
	}
	h.open[consent] = s
}

func (t Terms) until(at time.Time) time.Time {
	until := at.Add(time.Duration(t.RetentionDays) * 24 * time.Hour)
	if t.Until.Before(until) {
		return t.Until
	}
	return until
}

// Close is for a consent that ended or rests: all that came by it is gone.
func (h *Holding) Close(consent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, consent)
}

// Drop takes out what concerns an account.
func (h *Holding) Drop(consent, account string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[consent]
	if s == nil {
		return
	}
	h.turns++
	s.turn = h.turns
	of := func(c Cover) bool { return c.Account == account }
	s.terms.Covers = slices.DeleteFunc(s.terms.Covers, of)
	for id, i := range s.items {
		if slices.ContainsFunc(i.Needs, of) {
			delete(s.items, id)
		}
	}
}

// Ticket is taken before something is asked for. It is good until the consent changes.
func (h *Holding) Ticket(consent string) (Ticket, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[consent]
	if s == nil {
		return Ticket{}, false
	}
	return Ticket{consent, s.turn}, true
}

// Keep keeps a thing, instead of one of the same id. It does not if the consent
// changed since the ticket was taken, does not cover it, or lets nothing be kept.
//
// It does not look whether the thing is another than before.
func (h *Holding) Keep(t Ticket, i Item) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[t.consent]
	if s == nil || s.turn != t.turn || !s.terms.covers(i.Needs) {
		return false
	}
	now := h.now()
	i.Consent = t.consent
	i.At = now
	before, held := s.items[i.ID]
	if held && now.Before(before.Until) {
		i.At = before.At // what is got again is not kept longer for it
	}
	if i.Until = s.terms.until(i.At); !now.Before(i.Until) {
		return false
	}
	if !held && len(s.items) >= Most {
		delete(s.items, s.oldest())
	}
	s.items[i.ID] = i
	return true
}

func (s *shelf) oldest() string {
	var oldest Item
	for _, i := range s.items {
		if oldest.ID == "" || i.At.Before(oldest.At) {
			oldest = i
		}
	}
	return oldest.ID
}

// Remove takes one thing out.
func (h *Holding) Remove(consent, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.open[consent]; s != nil {
		delete(s.items, id)
	}
}

// Get is one thing.
func (h *Holding) Get(consent, id string) (Item, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[consent]
	if s == nil {
		return Item{}, false
	}
	i, ok := s.items[id]
	return i, ok && h.now().Before(i.Until)
}

// List is all that is held under a consent, the oldest first.
func (h *Holding) List(consent string) []Item {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[consent]
	if s == nil {
		return nil
	}
	var out []Item
	for _, i := range s.items {
		if h.now().Before(i.Until) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b Item) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Sweep throws away what is over its time, and names the consents it was of. What
// is over is not shown before, either.
func (h *Holding) Sweep() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	var swept []string
	for consent, s := range h.open {
		before := len(s.items)
		for id, i := range s.items {
			if !now.Before(i.Until) {
				delete(s.items, id)
			}
		}
		if len(s.items) != before {
			swept = append(swept, consent)
		}
	}
	return swept
}

// Size is how many things are held in all, those over their time included.
func (h *Holding) Size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, s := range h.open {
		n += len(s.items)
	}
	return n
}
