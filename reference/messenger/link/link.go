package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	// visitLife is how long a customer may take at his bank.
	visitLife = 15 * time.Minute
	// maxVisits bounds how many are under way; the oldest make room.
	maxVisits = 10_000
)

var (
	// ErrNotBegun means that nothing was begun in this browser that this could be the end of.
	ErrNotBegun = errors.New("nothing was begun in this browser that this could be the end of")
	// ErrDenied means that the customer said no.
	ErrDenied = errors.New("the customer said no")
	// ErrOver means that the grant is used up or its consent has ended.
	ErrOver = errors.New("the grant is over")
)

// Config is what a client is registered with. All of it must be set.
type Config struct {
	Partner  string       // our client id
	Issuer   string       // the authorization server, as customers reach it
	MTLS     string       // where it takes clients' certificates
	Redirect string       // where customers come back to
	Client   *http.Client // shows our certificate
	Now      func() time.Time
}

// Ask is what is asked of a customer.
type Ask struct {
	Bank             string
	Clusters         []string
	Purpose, Text    string
	LookBackDays     int
	RetentionDays    int
	UnattendedPerDay int
	Until            time.Time
	Locale           string
}

// Link connects banks. It may be used by many goroutines.
type Link struct {
	config Config

	mu     sync.Mutex
	visits map[string]visit // by state
}

// visit is one request under way.
type visit struct {
	browser, verifier string
	ask               Ask
	at                time.Time
}

// New makes a Link.
func New(c Config) *Link { return &Link{config: c, visits: map[string]visit{}} }

// Begin pushes a request and says where the browser goes on. Only the same browser
// can finish it.
func (l *Link) Begin(ctx context.Context, browser string, ask Ask) (string, error) {
	details, err := ask.details()
	if err != nil {
		return "", err
	}
	verifier, state := oauth2.GenerateVerifier(), rand.Text()
	form := url.Values{
		"client_id": {l.config.Partner}, "response_type": {"code"}, "redirect_uri": {l.config.Redirect}, "state": {state},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
		"authorization_details": {details},
	}
	if ask.Locale != "" {
		form.Set("ui_locales", ask.Locale)
	}
	var pushed struct {
		URI string `json:"request_uri"`
	}
	if err := l.post(ctx, "/par", form, &pushed); err != nil {
		return "", fmt.Errorf("push request: %w", err)
	}
	if pushed.URI == "" {
		return "", errors.New("push request: the answer names no request")
	}
	l.remember(state, visit{browser: browser, verifier: verifier, ask: ask, at: l.config.Now()})
	return l.config.Issuer + "/authorize?" + url.Values{"client_id": {l.config.Partner}, "request_uri": {pushed.URI}}.Encode(), nil
}

// Finish takes what the browser came back with. It also says what had been asked
// for, if anything was. Errors may wrap ErrNotBegun, ErrDenied, ErrOver or *RefusedError.
func (l *Link) Finish(ctx context.Context, browser string, came url.Values) (Grant, Ask, error) {
	v, err := l.take(browser, came)
	if err != nil {
		return Grant{}, Ask{}, err
	}
	switch code := came.Get("error"); code {
	case "":
	case "access_denied":
		return Grant{}, v.ask, ErrDenied
	default:
		return Grant{}, v.ask, &RefusedError{Code: code, Description: came.Get("error_description")}
	}
	var said tokenAnswer
	err = l.post(ctx, "/token", url.Values{
		"client_id": {l.config.Partner}, "grant_type": {"authorization_code"}, "code": {came.Get("code")},
		"redirect_uri": {l.config.Redirect}, "code_verifier": {v.verifier},
	}, &said)
	if err != nil {
		return Grant{}, v.ask, fmt.Errorf("redeem code: %w", err)
	}
	g, err := said.grant(l.config.Now())
	return g, v.ask, err
}

// remember keeps a visit, and lets go of those that are over.
func (l *Link) remember(state string, v visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := ""
	for s, other := range l.visits {
		if !v.at.Before(other.at.Add(visitLife)) {
			delete(l.visits, s)
		} else if oldest == "" || other.at.Before(l.visits[oldest].at) {
			oldest = s
		}
	}
	if len(l.visits) >= maxVisits {
		delete(l.visits, oldest)
	}
	l.visits[state] = v
}

// take ends a visit. One of another browser goes on: whoever guesses or is shown a
// state must not be able to end it. So it does if iss is another's (RFC 9207, 2.4).
func (l *Link) take(browser string, came url.Values) (visit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := came.Get("state")
	v, known := l.visits[state]
	if !known || browser == "" || v.browser != browser || came.Get("iss") != l.config.Issuer {
		return visit{}, ErrNotBegun
	}
	delete(l.visits, state)
	if !l.config.Now().Before(v.at.Add(visitLife)) {
		return visit{}, ErrNotBegun
	}
	return v, nil
}

// Forget ends all that a browser has under way.
func (l *Link) Forget(browser string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s, v := range l.visits {
		if v.browser == browser {
			delete(l.visits, s)
		}
	}
}

func (l *Link) post(ctx context.Context, path string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.config.MTLS+path, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := l.config.Client.Do(req)
	if err != nil {
		return fmt.Errorf("reach authorization server: %w", err)
	}
	defer resp.Body.Close()
	return read(resp, into)
}
