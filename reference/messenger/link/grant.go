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

// Ends is when the access token ends; the refresh token lasts as long as the consent.
func (g Grant) Ends() time.Time { return g.ends }

// Access hands out access tokens of one grant, or of our own. It may be used by many
// goroutines.
type Access struct {
	link *Link
	own  bool

	mu    sync.Mutex
	grant Grant
	over  bool
}

// Access begins to hand out tokens of a grant.
func (l *Link) Access(g Grant) *Access { return &Access{link: l, grant: g} }

// Own hands out tokens of our own: for what is the partner's and no one customer's,
// which is to look after consents and to take events.
func (l *Link) Own() *Access { return &Access{link: l, own: true} }

// Token is an access token that is good for a while. The error wraps ErrOver if
// there will be none any more.
func (a *Access) Token(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.link.config.Now()
	switch {
	case a.over:
		return "", ErrOver
	case now.Before(a.grant.ends.Add(-early)):
		return a.grant.access, nil
	}
	form := url.Values{"client_id": {a.link.config.Partner}, "grant_type": {"refresh_token"}, "refresh_token": {a.grant.refresh}}
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
	a.grant.access, a.grant.ends = said.Access, said.ends(now)
	if said.Refresh != "" {
		a.grant.refresh = said.Refresh
	}
	return a.grant.access, nil
}

// Stale makes the next call get a new token: what the consent shares has changed.
func (a *Access) Stale() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.grant.ends = time.Time{}
}

// End throws the tokens away.
func (a *Access) End() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over, a.grant.access, a.grant.refresh = true, "", ""
}
