package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"sluice/authn/banklogin"
	"sluice/consent"
)

const (
	// SessionIdle is after how long without a page a session ends.
	SessionIdle = 30 * time.Minute
	// SessionLife is how long a bank's word that it is the customer holds.
	SessionLife = 8 * time.Hour
	// seenEvery bounds how often a session's last visit is written down.
	seenEvery = time.Minute

	sessionCookie = "__Host-sluice_session"
	// minSecret is the length of the secrets made here: 128 bits and more.
	minSecret = 26
)

// ErrNoSession means that there is no such session, or login under way.
var ErrNoSession = errors.New("no such session")

// Key is how a secret of a browser is known to the store: its SHA-256. The
// secret itself is only in the browser.
type Key string

func keyOf(secret string) Key {
	sum := sha256.Sum256([]byte(secret))
	return Key(hex.EncodeToString(sum[:]))
}

// Identity is a customer as one bank logged them in.
type Identity struct {
	Bank     consent.BankID     `json:"bank"`
	Customer consent.CustomerID `json:"customer"`
	Name     string             `json:"name"`
	Since    time.Time          `json:"since"`
}

// Session is what a browser may act as. It has at most one identity of a bank.
type Session struct {
	Identities []Identity `json:"identities"`
	Seen       time.Time  `json:"seen"`
}

// Ends is when the session ends if nothing is done.
func (s Session) Ends() time.Time {
	end := time.Time{}
	for _, i := range s.Identities {
		if e := i.Since.Add(SessionLife); e.After(end) {
			end = e
		}
	}
	if idle := s.Seen.Add(SessionIdle); idle.Before(end) {
		return idle
	}
	return end
}

// current is the session with those identities that still hold.
func (s Session) current(at time.Time) Session {
	if !s.Ends().After(at) {
		return Session{}
	}
	s.Identities = slices.DeleteFunc(slices.Clone(s.Identities), func(i Identity) bool {
		return !i.Since.Add(SessionLife).After(at)
	})
	return s
}

// with is the session with one more identity, in place of another of that bank.
func (s Session) with(i Identity, at time.Time) Session {
	all := slices.DeleteFunc(slices.Clone(s.Identities), func(o Identity) bool { return o.Bank == i.Bank })
	return Session{Identities: append(all, i), Seen: at}
}

// Pending is a login that a browser has begun.
type Pending struct {
	Login banklogin.Pending `json:"login"`
	Next  string            `json:"next"` // the page here to go on with
}

// Sessions keeps sessions and logins under way, by keys of secrets. It may be
// used by many goroutines.
type Sessions interface {
	// Session reads a session, or ErrNoSession. It may have ended.
	Session(ctx context.Context, k Key) (Session, error)
	// Move keeps a session under a new key and forgets the old one, in one step.
	Move(ctx context.Context, from, to Key, s Session) error
	// Seen notes a visit; of a session that is gone it notes nothing.
	Seen(ctx context.Context, k Key, s Session) error
	// End forgets a session.
	End(ctx context.Context, k Key) error
	// Begin keeps a login under way, for one browser, until an instant.
	Begin(ctx context.Context, browser, state Key, p Pending, until time.Time) error
	// Take gives a login to its browser, once; else ErrNoSession.
	Take(ctx context.Context, browser, state Key) (Pending, error)
}

// recognise finds the browser's session, and gives a browser that has none a
// secret to tell its forms by.
func (v *visit) recognise() error {
	if v.browser = v.cookie(sessionCookie); len(v.browser) < minSecret || len(v.browser) > 64 {
		v.browser = rand.Text()
		v.setCookie(sessionCookie, v.browser, 0)
		return nil
	}
	found, err := v.config.Sessions.Session(v.ctx(), keyOf(v.browser))
	if errors.Is(err, ErrNoSession) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read session: %w", unavailable(err))
	}
	v.session = found.current(v.at)
	if len(v.session.Identities) == 0 || v.at.Sub(v.session.Seen) < seenEvery {
		return nil
	}
	v.session.Seen = v.at
	if err := v.config.Sessions.Seen(v.ctx(), keyOf(v.browser), v.session); err != nil {
		return fmt.Errorf("note visit: %w", unavailable(err))
	}
	return nil
}

// cookie is the value of a cookie, or empty.
func (v *visit) cookie(name string) string {
	if c, err := v.r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

// enter adds an identity to the session and gives it a new secret, so that one
// that somebody knew before the login is worth nothing after.
func (v *visit) enter(i Identity) error {
	fresh := rand.Text()
	next := v.session.with(i, v.at)
	if err := v.config.Sessions.Move(v.ctx(), keyOf(v.browser), keyOf(fresh), next); err != nil {
		return fmt.Errorf("keep session: %w", unavailable(err))
	}
	v.browser, v.session = fresh, next
	v.setCookie(sessionCookie, fresh, 0)
	return nil
}

// setCookie sets a cookie for this host, for scripts of nobody; maxAge as in
// http.Cookie.
func (v *visit) setCookie(name, value string, maxAge int) {
	http.SetCookie(v.w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Present says whether a browser is logged in as a bank's customer. It is for
// what goes on elsewhere after the pages; it changes nothing.
func (s *Site) Present(r *http.Request, b consent.BankID, c consent.CustomerID) (bool, error) {
	v := &visit{Site: s, r: r}
	found, err := s.config.Sessions.Session(r.Context(), keyOf(v.cookie(sessionCookie)))
	if errors.Is(err, ErrNoSession) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read session: %w", err)
	}
	v.session = found.current(s.config.Now())
	who, in := v.identity(b)
	return in && who.Customer == c, nil
}
