package messenger

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// personLife is for how long a browser that does not come back is remembered.
	personLife = 30 * 24 * time.Hour
	maxPeople  = 10_000
	maxEntries = 200
	maxWatches = 8
	sweepEvery = 15 * time.Second
)

// person is a browser, which stands for somebody who is logged in to the messenger.
type person struct {
	browser  string // the secret in its cookie
	seen     time.Time
	sharings []*sharing // in the order in which they were given
	log      []entry
	watches  map[chan struct{}]bool
	version  int // counts what pages were told of
}

// entry is one thing said in the chat with the messenger itself. What banks gave is
// not in it but in the holding, and only named here.
type entry struct {
	id      string
	at      time.Time
	own     bool   // the customer's words
	text    string // what the customer wrote
	left    bool   // of which a number was left out
	key     string // what the messenger says, from the texts
	args    []string
	consent string // the answer's consent, if there is an answer
	actions []action
}

// action is something that the customer may do next.
type action struct {
	key, arg string // from the texts
	href     string
	send     string // instead of leading there, this is posted there
}

func (m *Messenger) cookieName() string {
	if strings.HasPrefix(m.config.URL, "https:") {
		return "__Host-chat"
	}
	return "chat"
}

// browser is the secret in a request's cookie, "" if there is none.
func (m *Messenger) browser(r *http.Request) string {
	c, err := r.Cookie(m.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// visitor is who a request is from, nil if nothing is known of him.
func (m *Messenger) visitor(r *http.Request) *person {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.people[m.browser(r)]
	if p != nil {
		p.seen = m.config.Now()
	}
	return p
}

// welcome is who a request is from; a stranger gets a cookie of our making.
func (m *Messenger) welcome(w http.ResponseWriter, r *http.Request) *person {
	if p := m.visitor(r); p != nil {
		return p
	}
	p := &person{browser: rand.Text(), seen: m.config.Now(), watches: map[chan struct{}]bool{}}
	m.setCookie(w, p.browser)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.people) >= maxPeople {
		m.makeRoom()
	}
	m.people[p.browser] = p
	return p
}

func (m *Messenger) setCookie(w http.ResponseWriter, browser string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the messenger is reached over TLS
		Name: m.cookieName(), Value: browser, Path: "/", MaxAge: int(personLife.Seconds()), HttpOnly: true,
		Secure: strings.HasPrefix(m.config.URL, "https:"), SameSite: http.SameSiteLaxMode,
	})
}

// makeRoom forgets who was not seen for longest, first of those who share nothing.
func (m *Messenger) makeRoom() {
	var out *person
	for _, p := range m.people {
		if out == nil || len(p.sharings) == 0 && len(out.sharings) > 0 ||
			(len(p.sharings) == 0) == (len(out.sharings) == 0) && p.seen.Before(out.seen) {
			out = p
		}
	}
	m.forget(out)
}

// forget lets go of a person. What he shared is given up, soon.
func (m *Messenger) forget(p *person) {
	for _, s := range p.sharings {
		if s.standing != over {
			m.leaving = append(m.leaving, s.consent)
		}
		m.holding.Close(s.consent)
		s.access.End()
		delete(m.sharings, s.consent)
	}
	m.link.Forget(p.browser)
	delete(m.people, p.browser)
}

// write adds to a person's log.
func (m *Messenger) write(p *person, e entry) {
	m.mu.Lock()
	m.writeLocked(p, e)
	m.mu.Unlock()
}

func (m *Messenger) writeLocked(p *person, e entry) {
	if e.id == "" {
		e.id = rand.Text()
	}
	e.at = m.config.Now()
	p.log = append(p.log, e)
	if over := len(p.log) - maxEntries; over > 0 {
		for _, old := range p.log[:over] {
			if old.consent != "" {
				m.holding.Remove(old.consent, old.id)
			}
		}
		p.log = slices.Clone(p.log[over:])
	}
	m.tell(p)
}

// tell lets open pages of a person know that there is something new. What it is
// they ask for themselves.
func (m *Messenger) tell(p *person) {
	p.version++
	for w := range p.watches {
		select {
		case w <- struct{}{}:
		default: // it was told and has not looked yet
		}
	}
}

func (m *Messenger) notify(p *person) {
	m.mu.Lock()
	m.tell(p)
	m.mu.Unlock()
}

// sweep lets go of what is over its time.
func (m *Messenger) sweep(ctx context.Context) error {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
			m.tidy(ctx)
		}
	}
}

func (m *Messenger) tidy(ctx context.Context) {
	m.letGo()
	m.mu.Lock()
	leaving := m.leaving
	m.leaving = nil
	m.mu.Unlock()
	for _, consent := range leaving {
		m.leave(ctx, consent)
	}
}

// leave gives a consent up, now or the next time.
func (m *Messenger) leave(ctx context.Context, consent string) {
	err := m.giveUp(ctx, consent)
	to, why := over, "over.here"
	if said, _, known := standingBy(reasonOf(err)); err != nil && (!known || said != over) {
		m.config.Log.WarnContext(ctx, "a consent could not be given up", "error", err)
		to, why = resting, "rest.ending"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if to != over {
		m.leaving = append(m.leaving, consent)
	}
	if s := m.sharings[consent]; s != nil { // its customer is still here
		m.settleLocked(s, to, why)
		if s.standing == resting {
			s.why = why // also if it rested before
		}
	}
}

// letGo throws away what is over its time, customers included.
func (m *Messenger) letGo() {
	swept := m.holding.Sweep()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, consent := range swept {
		if s := m.sharings[consent]; s != nil {
			m.tell(s.person)
		}
	}
	now := m.config.Now()
	for _, p := range m.people {
		if !now.Before(p.seen.Add(personLife)) {
			m.forget(p)
			continue
		}
		for _, s := range p.sharings {
			if s.standing != over && !s.until.IsZero() && !now.Before(s.until) {
				m.settleLocked(s, over, "over.time")
			}
		}
	}
}
