package accesstoken

import (
	"sync"
	"time"
)

const (
	keptTokens = 20_000 // about 1 KiB each
	keptFor    = 60 * time.Second
)

// kept holds verified tokens by the hash of their text. It may be used by many
// goroutines.
type kept struct {
	mu      sync.Mutex
	present map[[32]byte]keptToken
	before  map[[32]byte]keptToken // the generation that goes next
}

type keptToken struct {
	token       Token
	from, until time.Time
}

func newKept() *kept { return &kept{present: map[[32]byte]keptToken{}} }

func (k *kept) find(key [32]byte, now time.Time) (Token, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.present[key]
	if !ok {
		found, ok = k.before[key]
	}
	if !ok || now.Before(found.from) || !now.Before(found.until) {
		return Token{}, false
	}
	return found.token, true
}

func (k *kept) keep(key [32]byte, t keptToken) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.present) >= keptTokens/2 {
		k.before, k.present = k.present, map[[32]byte]keptToken{}
	}
	k.present[key] = t
}
