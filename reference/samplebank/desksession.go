package samplebank

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	deskSessionLife = 10 * time.Hour
	maxDeskSessions = 1_000
)

// deskSessions are the agents at their desks. What a browser has is kept only as
// its SHA-256.
type deskSessions struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]deskSession
}

type deskSession struct {
	agent string
	since time.Time
}

func newDeskSessions(now func() time.Time) *deskSessions {
	return &deskSessions{now: now, byKey: map[[sha256.Size]byte]deskSession{}}
}

// begin gives an agent a session; false if there are too many.
func (s *deskSessions) begin(agent string) (secret string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for k, had := range s.byKey {
		if now.Sub(had.since) > deskSessionLife {
			delete(s.byKey, k)
		}
	}
	if len(s.byKey) >= maxDeskSessions {
		return "", false
	}
	secret = rand.Text()
	s.byKey[sha256.Sum256([]byte(secret))] = deskSession{agent, now}
	return secret, true
}

// agent is who a secret belongs to.
func (s *deskSessions) agent(secret string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had, ok := s.byKey[sha256.Sum256([]byte(secret))]
	return had.agent, ok && s.now().Sub(had.since) <= deskSessionLife
}

func (s *deskSessions) end(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byKey, sha256.Sum256([]byte(secret)))
}

// cookieName has the bank's, since browsers keep one jar for all ports of a machine.
func (d *desk) cookieName() string { return "desk_" + banks[d.bank.bank].id }

func (d *desk) secretOf(r *http.Request) string {
	if c, err := r.Cookie(d.cookieName()); err == nil {
		return c.Value
	}
	return ""
}

func (d *desk) setCookie(w http.ResponseWriter, r *http.Request, secret string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // it is secure wherever the desk is served over TLS
		Name: d.cookieName(), Value: secret, Path: "/", MaxAge: maxAge,
		Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// signedIn lets only agents through; who comes to look is led to the door.
func (d *desk) signedIn(do func(w http.ResponseWriter, r *http.Request, agent string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		agent, ok := d.sessions.agent(d.secretOf(r))
		switch {
		case ok:
			do(w, r, agent)
		case r.Method == http.MethodGet && r.URL.Path != "/changes":
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		default:
			d.message(w, http.StatusUnauthorized, "", "You are not signed in", "Nothing was changed. Sign in and try again.")
		}
	}
}

// doorView is the sign-in page.
type doorView struct {
	Agents []string
	Notice string
}

func (d *desk) door(w http.ResponseWriter, r *http.Request) {
	if _, ok := d.sessions.agent(d.secretOf(r)); ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	d.render(w, http.StatusOK, deskFrame{Page: "door", View: doorView{Agents: d.config.Agents}})
}

func (d *desk) enter(w http.ResponseWriter, r *http.Request) {
	agent := r.PostFormValue("agent")
	if !slices.Contains(d.config.Agents, agent) {
		d.render(w, http.StatusUnprocessableEntity, deskFrame{Page: "door", View: doorView{d.config.Agents, "Choose a name from the list."}})
		return
	}
	secret, ok := d.sessions.begin(agent)
	if !ok {
		d.message(w, http.StatusServiceUnavailable, "", "The desk is full", "Too many agents are signed in. Try again later.")
		return
	}
	d.sessions.end(d.secretOf(r))
	d.setCookie(w, r, secret, 0)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (d *desk) leave(w http.ResponseWriter, r *http.Request) {
	d.sessions.end(d.secretOf(r))
	d.setCookie(w, r, "", -1)
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
