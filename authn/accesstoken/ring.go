package accesstoken

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys are the gateway's own public keys, those that sign and those that did a
// moment ago.
type Keys interface {
	Public(ctx context.Context) (jose.JSONWebKeySet, error)
}

const (
	ringFresh   = 20 * time.Second // read anew after this
	ringGood    = time.Minute      // not believed after this, if it can't be read anew
	ringPause   = 3 * time.Second  // between two readings for keys that are not there
	ringTimeout = 2 * time.Second
)

var (
	errNoKeys = errors.New("the ring of keys can't be read")
	errNoKey  = errors.New("no key of the ring has this kid")
)

// ring is the keys as they were read last.
type ring struct {
	keys Keys
	now  func() time.Time
	last atomic.Pointer[snapshot]
	turn chan struct{} // holds one token: whose turn it is to read
	// tried is when a reading began last; whoever has the turn reads and writes it.
	tried time.Time
}

type snapshot struct {
	byID map[string]*ecdsa.PublicKey
	at   time.Time
}

func newRing(keys Keys, now func() time.Time) *ring {
	r := &ring{keys: keys, now: now, turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	return r
}

// key finds a key, and until when it may be believed that the ring has it.
func (r *ring) key(ctx context.Context, kid string) (*ecdsa.PublicKey, time.Time, error) {
	s := r.last.Load()
	if key, ok := s.find(kid, r.now(), ringFresh); ok {
		return key, s.at.Add(ringGood), nil
	}
	failed := r.read(ctx)
	s, now := r.last.Load(), r.now()
	if key, ok := s.find(kid, now, ringGood); ok {
		return key, s.at.Add(ringGood), nil
	}
	if failed != nil || s == nil || !s.within(now, ringGood) {
		return nil, time.Time{}, errors.Join(errNoKeys, failed)
	}
	return nil, time.Time{}, errNoKey
}

func (s *snapshot) within(now time.Time, d time.Duration) bool {
	age := now.Sub(s.at)
	return age >= 0 && age < d
}

func (s *snapshot) find(kid string, now time.Time, d time.Duration) (*ecdsa.PublicKey, bool) {
	if s == nil || !s.within(now, d) {
		return nil, false
	}
	key, ok := s.byID[kid]
	return key, ok
}

// read reads the ring anew, unless that was tried a moment ago. Whoever leaves
// does not spoil it for those who wait.
func (r *ring) read(ctx context.Context) error {
	select {
	case <-r.turn:
	case <-ctx.Done():
		return fmt.Errorf("wait for keys: %w", ctx.Err())
	}
	defer func() { r.turn <- struct{}{} }()
	now := r.now()
	if since := now.Sub(r.tried); since >= 0 && since < ringPause {
		return nil
	}
	r.tried = now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ringTimeout)
	defer cancel()
	set, err := r.keys.Public(ctx)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	s := &snapshot{byID: map[string]*ecdsa.PublicKey{}, at: now}
	for _, k := range set.Keys {
		// Tokens are signed with ES256 alone.
		if key, ok := k.Key.(*ecdsa.PublicKey); ok && k.KeyID != "" && key.Params().BitSize == 256 {
			s.byID[k.KeyID] = key
		}
	}
	r.last.Store(s)
	return nil
}
