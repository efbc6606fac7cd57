package samplebank

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// maxVisits bounds how many logins may be under way.
const maxVisits = 10_000

// strongAuthentication is the class of a login with two factors, as UK Open
// Banking names it.
const strongAuthentication = "urn:openbanking:psd2:sca"

var (
	errNoVisit = errors.New("this login has ended, or another browser began it")
	errBusy    = errors.New("too many logins are under way: try again in a few minutes")
)

// visit is one login, from the gateway's request until its code is redeemed. It
// is handed around as a copy; only visits changes one.
type visit struct {
	id, csrf string
	browser  [sha256.Size]byte
	asked    oidc.AuthRequest
	begun    time.Time
	failures int

	customer string // once logged in
	at       time.Time
	coded    time.Time // when its code was made
}

// visits keeps the logins under way.
type visits struct {
	now func() time.Time

	mu     sync.Mutex
	byID   map[string]*visit
	byCode map[string]string // id by code
}

func newVisits(now func() time.Time) *visits {
	return &visits{now: now, byID: map[string]*visit{}, byCode: map[string]string{}}
}

// begin keeps a request that the library found good.
func (s *visits) begin(browser [sha256.Size]byte, asked oidc.AuthRequest) (visit, error) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= maxVisits {
		s.sweep(now)
	}
	if len(s.byID) >= maxVisits {
		return visit{}, errBusy
	}
	v := &visit{id: rand.Text(), csrf: rand.Text(), browser: browser, asked: asked, begun: now}
	s.byID[v.id] = v
	return *v, nil
}

func (s *visits) sweep(now time.Time) {
	for id, v := range s.byID {
		if now.Sub(v.begun) > loginLife {
			delete(s.byID, id)
		}
	}
	for code, id := range s.byCode {
		if s.byID[id] == nil {
			delete(s.byCode, code)
		}
	}
}

// open finds the login of a browser until its code is made.
func (s *visits) open(id string, browser [sha256.Size]byte) (visit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.find(id, browser)
	if err != nil {
		return visit{}, err
	}
	return *v, nil
}

func (s *visits) find(id string, browser [sha256.Size]byte) (*visit, error) {
	v := s.byID[id]
	if v == nil || v.browser != browser || !v.coded.IsZero() || s.now().Sub(v.begun) > loginLife {
		return nil, errNoVisit
	}
	return v, nil
}

// enter notes that the customer has shown who they are; once.
func (s *visits) enter(id string, browser [sha256.Size]byte, customer string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.find(id, browser)
	if err != nil || v.customer != "" {
		return errNoVisit
	}
	v.customer, v.at = customer, s.now()
	return nil
}

// fail notes a wrong try, and says how many there were.
func (s *visits) fail(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.byID[id]
	if v == nil {
		return 0
	}
	v.failures++
	return v.failures
}

// end forgets a login.
func (s *visits) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// code keeps the code of a login; there is one for each.
func (s *visits) code(id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.byID[id]
	if v == nil || v.customer == "" || !v.coded.IsZero() {
		return errNoVisit
	}
	v.coded = s.now()
	s.byCode[code] = id
	return nil
}

// redeem takes the login of a code away: whoever comes second, or too late, or
// with anything else amiss, finds nothing.
func (s *visits) redeem(code string) (visit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.byCode[code]
	delete(s.byCode, code)
	v := s.byID[id]
	delete(s.byID, id)
	if !ok || v == nil || s.now().Sub(v.coded) > codeLife {
		return visit{}, errNoVisit
	}
	return *v, nil
}

// The rest is how the library sees a login.

func (v visit) GetID() string  { return v.id }
func (v visit) GetACR() string { return strongAuthentication }
func (v visit) GetAMR() []string {
	return []string{"pwd", "otp"}
}
func (v visit) GetAudience() []string  { return []string{v.asked.ClientID} }
func (v visit) GetAuthTime() time.Time { return v.at }
func (v visit) GetClientID() string    { return v.asked.ClientID }
func (v visit) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: v.asked.CodeChallenge, Method: v.asked.CodeChallengeMethod}
}
func (v visit) GetNonce() string                   { return v.asked.Nonce }
func (v visit) GetRedirectURI() string             { return v.asked.RedirectURI }
func (v visit) GetResponseType() oidc.ResponseType { return v.asked.ResponseType }
func (v visit) GetResponseMode() oidc.ResponseMode { return v.asked.ResponseMode }
func (v visit) GetScopes() []string                { return v.asked.Scopes }
func (v visit) GetState() string                   { return v.asked.State }
func (v visit) GetSubject() string                 { return v.customer }
func (v visit) Done() bool                         { return v.customer != "" }
