package link

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"
)

// early is how long before its end a token is not used any more.
const early = 20 * time.Second

// Grant is what a customer gave: a consent, and the tokens to call under it.
type Grant struct {
	Consent         string
	access, refresh string
	ends            time.Time
}

// Access hands out access tokens of one grant, or of our own. It may be used by many
// goroutines. Only Token waits for the authorization server.
type Access struct {
	link *Link
	own  bool
	turn chan struct{} // is held by who asks for a new token

	mu    sync.Mutex // never held while somebody is asked
	grant Grant
	stale int // counts how often a new one was wanted
	over  bool
}

// Access begins to hand out tokens of a grant.
func (l *Link) Access(g Grant) *Access {
	return &Access{link: l, grant: g, turn: make(chan struct{}, 1)}
}

// Own hands out tokens of our own: for what is the partner's and no one customer's,
// which is to look after consents and to take events.
func (l *Link) Own() *Access { return &Access{link: l, own: true, turn: make(chan struct{}, 1)} }

// Token is an access token that is good for a while. The error wraps ErrOver if
// there will be none any more.
func (a *Access) Token(ctx context.Context) (string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("wait for a token: %w", ctx.Err())
	}
	a.mu.Lock()
	grant, stale, over := a.grant, a.stale, a.over
	a.mu.Unlock()
	now := a.link.config.Now()
	switch {
	case over:
		return "", ErrOver
	case now.Before(grant.ends.Add(-early)):
		return grant.access, nil
	}
	form := url.Values{"client_id": {a.link.config.Partner}, "grant_type": {"refresh_token"}, "refresh_token": {grant.refresh}}
	if a.own {
		form = url.Values{"client_id": {a.link.config.Partner}, "grant_type": {"client_credentials"}, "scope": {"consents"}}
	}
	var said tokenAnswer
	if err := a.link.post(ctx, "/token", form, &said); err != nil {
		return "", fmt.Errorf("get a token: %w", err)
	}
	if said.Access == "" {
		return "", errors.New("get a token: the answer has none")
	}
	return a.take(said, now, stale)
}

// take keeps a new token, unless all ended meanwhile. One that was asked for before
// a newer one was wanted is used once.
func (a *Access) take(said tokenAnswer, at time.Time, stale int) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return "", ErrOver
	}
	if said.Refresh != "" {
		a.grant.refresh = said.Refresh
	}
	a.grant.access, a.grant.ends = said.Access, said.ends(at)
	if a.stale != stale {
		a.grant.ends = time.Time{}
	}
	return a.grant.access, nil
}

// Stale makes the next call get a new token: what the consent shares has changed.
func (a *Access) Stale() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stale++
	a.grant.ends = time.Time{}
}

// End throws the tokens away.
func (a *Access) End() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over, a.grant.access, a.grant.refresh = true, "", ""
}
