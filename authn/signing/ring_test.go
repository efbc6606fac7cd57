package signing_test

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"sluice/authn/signing"
	"sluice/seal"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// memory is a signing.Store, and the clock of who uses it.
type memory struct {
	mu   sync.Mutex
	keys []signing.Stored
	err  error
	at   time.Time
}

func (m *memory) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *memory) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = m.at.Add(d)
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) Keys(context.Context) ([]signing.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys), m.err
}

func (m *memory) Add(_ context.Context, k signing.Stored) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	m.keys = append(m.keys, k)
	slices.SortFunc(m.keys, func(a, b signing.Stored) int { return cmp.Or(a.Made.Compare(b.Made), strings.Compare(a.ID, b.ID)) })
	return nil
}

func (m *memory) Retire(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.keys {
		if m.keys[i].ID == id {
			m.keys[i].Sealed, m.keys[i].Retired = "", true
		}
	}
	return m.err
}

func sealer(t interface{ Fatal(...any) }) *seal.Sealer {
	s, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signed is what one key signed last, at what time.
type signed struct {
	key *ecdsa.PublicKey
	at  time.Time
}

// published is a set as somebody read it.
type published struct {
	set jose.JSONWebKeySet
	at  time.Time
}

// ringModel is two replicas, somebody who keeps what they publish, and what was
// signed.
type ringModel struct {
	store *memory
	rings []*signing.Ring
	first string               // the first key, which may sign at once
	shown map[string]time.Time // since when everybody publishes a key
	last  map[string]signed    // by kid
	kept  []published          // what readers still believe
}

const (
	step   = 20 * time.Second // a key may be published this much later than it was made
	cached = signing.Lead - step
)

func (m *ringModel) sign(t *rapid.T, r *signing.Ring) {
	k, err := r.Signing(t.Context())
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	if k.IsPublic() || k.Algorithm != "ES256" || k.Use != "sig" {
		t.Fatalf("signs with %s of alg %q use %q", k.KeyID, k.Algorithm, k.Use)
	}
	if m.first == "" {
		m.first = k.KeyID
	}
	since, seen := m.shown[k.KeyID]
	if k.KeyID != m.first && (!seen || m.store.now().Sub(since) < signing.Lead-step) {
		t.Fatalf("%s signs at %v, shown since %v (%t)", k.KeyID, m.store.now(), since, seen)
	}
	private, _ := k.Key.(*ecdsa.PrivateKey)
	m.last[k.KeyID] = signed{&private.PublicKey, m.store.now()}
}

// read notes what is published, and forgets what readers keep no longer.
func (m *ringModel) read(t *rapid.T) {
	at := m.store.now()
	m.kept = slices.DeleteFunc(m.kept, func(p published) bool { return at.Sub(p.at) > cached })
	for _, r := range m.rings {
		set, err := r.Public(t.Context())
		if err != nil {
			t.Fatalf("publish: %v", err)
		}
		for _, k := range set.Keys {
			if !k.IsPublic() {
				t.Fatalf("a private half is published")
			}
			if _, ok := m.shown[k.KeyID]; !ok {
				m.shown[k.KeyID] = at
			}
		}
		m.kept = append(m.kept, published{set, at})
	}
}

// check verifies everything that was signed within Linger against every set that
// a reader still believes.
func (m *ringModel) check(t *rapid.T) {
	for kid, s := range m.last {
		if m.store.now().Sub(s.at) > signing.Linger {
			continue
		}
		for _, p := range m.kept {
			if keys := p.set.Key(kid); len(keys) != 1 || !s.key.Equal(keys[0].Key) {
				t.Fatalf("signed with %s at %v; a set read at %v does not have it", kid, s.at, p.at)
			}
		}
	}
}

func TestWhateverIsSignedCanBeCheckedByWhoKeepsThePublishedKeys(t *testing.T) {
	secret := sealer(t)
	rapid.Check(t, func(t *rapid.T) {
		store := &memory{at: noon}
		m := &ringModel{store: store, shown: map[string]time.Time{}, last: map[string]signed{}}
		for range 2 {
			m.rings = append(m.rings, signing.New(store, secret, store.now))
		}
		if err := m.rings[0].Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.read(t)
		store.pass(step) // who begins at the same instant is in another test
		m.read(t)
		made := map[string]bool{}
		ring := rapid.SampledFrom(m.rings)
		t.Repeat(map[string]func(*rapid.T){
			"":     m.check,
			"sign": func(t *rapid.T) { m.sign(t, ring.Draw(t, "replica")) },
			"a while passes": func(t *rapid.T) {
				for range rapid.IntRange(1, 60).Draw(t, "steps") {
					store.pass(step)
					m.read(t)
					m.check(t)
				}
			},
			"long passes": func(t *rapid.T) {
				store.pass(signing.Life / 3)
				m.kept = nil
				m.read(t)
			},
			"tend": func(t *rapid.T) {
				if err := ring.Draw(t, "replica").Tend(t.Context()); err != nil {
					t.Fatal(err)
				}
				m.read(t)
			},
			"rotate": func(t *rapid.T) {
				if err := ring.Draw(t, "replica").Rotate(t.Context()); err != nil {
					t.Fatal(err)
				}
				m.read(t)
			},
			"look at all": func(t *rapid.T) {
				ever, err := m.rings[0].Ever(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range ever.Keys {
					made[k.KeyID] = true
				}
				if len(ever.Keys) != len(made) {
					t.Fatalf("%d keys ever, but %d were seen", len(ever.Keys), len(made))
				}
			},
		})
	})
}

func TestAKeySignsForItsLifeAndThenRetires(t *testing.T) {
	store, secret := &memory{at: noon}, sealer(t)
	r := signing.New(store, secret, store.now)
	kid := func() string {
		t.Helper()
		if err := r.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		k, err := r.Signing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return k.KeyID
	}
	published := func() int {
		set, err := r.Public(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(set.Keys)
	}
	first := kid()
	store.pass(signing.Life - time.Millisecond)
	if kid() != first || published() != 1 {
		t.Error("the next key comes before its time")
	}
	store.pass(time.Millisecond)
	if kid() != first || published() != 2 {
		t.Error("the next key is not shown, or signs at once")
	}
	store.pass(signing.Lead)
	second := kid()
	if second == first || published() != 2 {
		t.Error("the next key does not sign after Lead, or the first is gone")
	}
	store.pass(signing.Linger - time.Millisecond)
	kid()
	if published() != 2 {
		t.Error("the first key is gone before Linger")
	}
	store.pass(time.Millisecond)
	kid()
	if published() != 1 || store.keys[0].Sealed != "" || !store.keys[0].Retired || store.keys[1].Sealed == "" {
		t.Errorf("after Linger: %d are published, kept %+v", published(), store.keys)
	}
	if ever, err := r.Ever(t.Context()); err != nil || len(ever.Keys) != 2 || len(ever.Key(first)) != 1 {
		t.Errorf("a retired key's public half is gone: %v", err)
	}
	if strings.Contains(store.keys[1].Sealed+store.keys[1].Public, `"d"`) {
		t.Error("a private half is kept in clear")
	}
}

func TestReplicasThatBeginAtOnceAgree(t *testing.T) {
	store, secret := &memory{at: noon}, sealer(t)
	var rings []*signing.Ring
	var wg sync.WaitGroup
	for range 4 {
		r := signing.New(store, secret, store.now)
		rings = append(rings, r)
		wg.Go(func() {
			if err := r.Tend(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	store.pass(10 * time.Second)
	kids := map[string]bool{}
	for _, r := range rings {
		k, err := r.Signing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kids[k.KeyID] = true
	}
	if len(kids) != 1 {
		t.Errorf("they sign with %d keys", len(kids))
	}
}

func TestKeysOfOtherSecretsAreAClearError(t *testing.T) {
	store := &memory{at: noon}
	if err := signing.New(store, sealer(t), store.now).Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := signing.New(store, sealer(t), store.now)
	_, err := other.Signing(t.Context())
	for _, err := range []error{err, other.Tend(t.Context())} {
		if !errors.Is(err, signing.ErrNoKey) || !strings.Contains(err.Error(), "secrets") {
			t.Errorf("with other secrets: %v", err)
		}
	}
	if len(store.keys) != 1 {
		t.Error("other secrets made a key of their own")
	}
}

func TestKeysServeWhileTheStoreIsAway(t *testing.T) {
	store, secret := &memory{at: noon}, sealer(t)
	r := signing.New(store, secret, store.now)
	if _, err := r.Signing(t.Context()); !errors.Is(err, signing.ErrNoKey) {
		t.Errorf("signing before there is a key: %v", err)
	}
	if err := r.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	away := errors.New("away")
	store.fail(away)
	store.pass(time.Minute)
	if _, err := r.Signing(t.Context()); err != nil {
		t.Errorf("with keys at hand: %v", err)
	}
	if _, err := signing.New(store, secret, store.now).Public(t.Context()); !errors.Is(err, away) {
		t.Errorf("with none: %v", err)
	}
	if err := r.Tend(t.Context()); !errors.Is(err, away) {
		t.Errorf("tend: %v", err)
	}
}
