package signing

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sluice/seal"
)

const (
	// Lead is how long a key is shown before it signs. Who keeps the published
	// set keeps it for less.
	Lead = 15 * time.Minute
	// Life is how long a key signs before the next is made.
	Life = 30 * 24 * time.Hour
	// Linger is how long a key is shown after it signed last: longer than any
	// token lives.
	Linger = time.Hour
	// reread is how old what a ring remembers of the store may be.
	reread = 5 * time.Second
)

// ErrNoKey means that there is no key to sign with.
var ErrNoKey = errors.New("no signing key")

// Stored is a key as a store has it.
type Stored struct {
	ID      string
	Made    time.Time
	Sealed  string // the private half; "" once retired
	Public  string // a JWK
	Retired bool
}

// Store keeps keys. Its methods may be called at once from many goroutines.
type Store interface {
	// Keys reads all keys, oldest first.
	Keys(ctx context.Context) ([]Stored, error)
	Add(ctx context.Context, k Stored) error
	// Retire erases the private half of a key.
	Retire(ctx context.Context, id string) error
}

// Ring is the keys. It may be used by many goroutines.
type Ring struct {
	store Store
	seal  *seal.Sealer
	now   func() time.Time

	mu   sync.Mutex
	keys []key
	read time.Time
}

// key is a stored key, opened.
type key struct {
	made    time.Time
	retired bool
	private jose.JSONWebKey // zero once retired
	public  jose.JSONWebKey
}

// New makes a ring of the keys in a store, whose private halves are sealed.
func New(store Store, sealer *seal.Sealer, now func() time.Time) *Ring {
	return &Ring{store: store, seal: sealer, now: now}
}

// Signing is the private key to sign with now: ES256, with kid and use.
func (r *Ring) Signing(ctx context.Context) (jose.JSONWebKey, error) {
	keys, err := r.load(ctx)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	i := signing(keys, r.now())
	if i < 0 {
		return jose.JSONWebKey{}, ErrNoKey
	}
	return keys[i].private, nil
}

// Private is the keys that sign now or soon, the one to sign with first.
func (r *Ring) Private(ctx context.Context) (jose.JSONWebKeySet, error) {
	return r.set(ctx, func(k key) (jose.JSONWebKey, bool) { return k.private, !k.retired })
}

// Public is the keys that tokens may be signed with, the newest to sign last.
func (r *Ring) Public(ctx context.Context) (jose.JSONWebKeySet, error) {
	return r.set(ctx, func(k key) (jose.JSONWebKey, bool) { return k.public, !k.retired })
}

// Ever is every key there ever was, to check receipts with.
func (r *Ring) Ever(ctx context.Context) (jose.JSONWebKeySet, error) {
	return r.set(ctx, func(k key) (jose.JSONWebKey, bool) { return k.public, true })
}

func (r *Ring) set(ctx context.Context, pick func(key) (jose.JSONWebKey, bool)) (jose.JSONWebKeySet, error) {
	keys, err := r.load(ctx)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var out jose.JSONWebKeySet
	first := signing(keys, r.now())
	if first >= 0 {
		picked, _ := pick(keys[first])
		out.Keys = append(out.Keys, picked)
	}
	for i, k := range keys {
		if picked, ok := pick(k); ok && i != first {
			out.Keys = append(out.Keys, picked)
		}
	}
	return out, nil
}

// signing finds the key to sign with: the newest that was shown long enough, or
// the oldest if none was; -1 if there is none.
func signing(keys []key, at time.Time) int {
	found := -1
	for i, k := range keys {
		if k.retired {
			continue
		}
		if found < 0 || !k.made.Add(Lead).After(at) {
			found = i
		}
	}
	return found
}

// Tend makes the first key, makes the next when the present one is old, and
// retires those that are not needed any more. Replicas may tend at once.
func (r *Ring) Tend(ctx context.Context) error {
	keys, err := r.reload(ctx)
	if err != nil {
		return err
	}
	at := r.now()
	newest := -1
	for i, k := range keys {
		if !k.retired {
			newest = i
		}
	}
	if newest < 0 || !keys[newest].made.Add(Life).After(at) {
		return r.Rotate(ctx)
	}
	return r.retire(ctx, keys, at)
}

// retire ends keys that a newer one has been signing in place of for Linger.
func (r *Ring) retire(ctx context.Context, keys []key, at time.Time) error {
	present := signing(keys, at)
	if present < 0 || at.Before(keys[present].made.Add(Lead+Linger)) {
		return nil
	}
	for _, k := range keys[:present] {
		if k.retired {
			continue
		}
		if err := r.store.Retire(ctx, k.public.KeyID); err != nil {
			return fmt.Errorf("retire signing key: %w", err)
		}
	}
	_, err := r.reload(ctx)
	return err
}

// Rotate makes a new key. It signs after Lead, or at once if it is the first.
func (r *Ring) Rotate(ctx context.Context) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	k := jose.JSONWebKey{Key: private, KeyID: "sig_" + rand.Text(), Algorithm: string(jose.ES256), Use: "sig"}
	raw, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("encode signing key: %w", err)
	}
	public, err := json.Marshal(k.Public())
	if err != nil {
		return fmt.Errorf("encode signing key: %w", err)
	}
	stored := Stored{ID: k.KeyID, Made: r.now(), Sealed: r.seal.Seal(binding(k.KeyID), string(raw)), Public: string(public)}
	if err := r.store.Add(ctx, stored); err != nil {
		return fmt.Errorf("keep signing key: %w", err)
	}
	_, err = r.reload(ctx)
	return err
}

func binding(id string) seal.Binding { return seal.Binding{"signing key", id} }

func (r *Ring) load(ctx context.Context) ([]key, error) {
	r.mu.Lock()
	keys, fresh := r.keys, r.now().Sub(r.read) < reread
	r.mu.Unlock()
	if len(keys) > 0 && fresh {
		return keys, nil
	}
	loaded, err := r.reload(ctx)
	if err != nil && len(keys) > 0 {
		return keys, nil // keys do not go bad while the store is away
	}
	return loaded, err
}

func (r *Ring) reload(ctx context.Context) ([]key, error) {
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	keys := make([]key, 0, len(stored))
	for _, s := range stored {
		k, err := r.open(s)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.read = keys, r.now()
	return keys, nil
}

func (r *Ring) open(s Stored) (key, error) {
	k := key{made: s.Made, retired: s.Retired}
	if err := json.Unmarshal([]byte(s.Public), &k.public); err != nil {
		return key{}, fmt.Errorf("read signing key %s: %w", s.ID, err)
	}
	if s.Retired {
		return k, nil
	}
	raw, err := r.seal.Open(binding(s.ID), s.Sealed)
	if err != nil || len(raw) != 1 {
		return key{}, fmt.Errorf("open signing key %s: the secrets of this gateway are not those it was sealed with: %w", s.ID, errors.Join(err, ErrNoKey))
	}
	if err := json.Unmarshal([]byte(raw[0]), &k.private); err != nil {
		return key{}, fmt.Errorf("read signing key %s: %w", s.ID, err)
	}
	return k, nil
}
