package grantcache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/grantcache"
	consentv1 "sluice/gen/sluice/consent/v1"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// grant makes a live grant of three accounts at a revision from 2 on.
func grant(t testing.TB, id consent.ID, revision int64) consent.Grant {
	t.Helper()
	clusters := consent.ClustersOf(consent.Balances, consent.TransactionsBasic)
	c, _, err := consent.Request(id, "messenger", "morava", consent.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
		LookBackDays: 90, ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 4,
	}, noon)
	if err != nil {
		t.Fatal(err)
	}
	who := consent.Actor{Kind: consent.ActorCustomer, ID: "9593"}
	c, _, err = c.Authorize(consent.Choice{Shares: []consent.Share{
		{Account: "A7753", Clusters: clusters}, {Account: "L6577", Clusters: clusters}, {Account: "C1005", Clusters: clusters},
	}}, who, noon)
	for err == nil && c.Revision < revision {
		change := consent.Consent.Pause
		if c.Status == consent.Paused {
			change = consent.Consent.Resume
		}
		c, _, err = change(c, who, noon)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.Grant()
}

// truth is a source whose answers a test sets.
type truth struct {
	mu     sync.Mutex
	grants map[consent.ID]consent.Grant
	at     consent.Position
	loads  int
	during func() // runs after the reading and before the answer
}

func (s *truth) set(g consent.Grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grants == nil {
		s.grants = map[consent.ID]consent.Grant{}
	}
	s.grants[g.ID()] = g
	s.at = consent.Position{Shard: 1, Pos: s.at.Pos + 1}
}

func (s *truth) Load(_ context.Context, id consent.ID) (consent.Grant, consent.Position, error) {
	s.mu.Lock()
	g, ok := s.grants[id]
	at, during := s.at, s.during
	s.loads++
	s.mu.Unlock()
	if during != nil {
		during()
	}
	if !ok {
		return consent.Grant{}, at, consent.ErrNotFound
	}
	return g, at, nil
}

func always() bool { return true }

func revisionOf(t *testing.T, c *grantcache.Cache, id consent.ID) int64 {
	t.Helper()
	g, err := c.Grant(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return g.Revision()
}

func TestAGrantIsReadOnceAndThenKept(t *testing.T) {
	s := &truth{}
	s.set(grant(t, "con_1", 2))
	c := grantcache.New(grantcache.Config{Source: s, Entries: 1000, Fresh: always})
	for range 3 {
		if r := revisionOf(t, c, "con_1"); r != 2 {
			t.Errorf("revision %d, want 2", r)
		}
	}
	if st := c.Stats(); s.loads != 1 || st.Truth != 1 || st.Process != 2 || st.Entries != 1 {
		t.Errorf("%d readings, %+v", s.loads, st)
	}
	if _, err := c.Grant(t.Context(), "con_none"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("an absent one = %v, want ErrNotFound", err)
	}
}

func TestWhatIsNotLiveIsNotKept(t *testing.T) {
	s := &truth{}
	s.set(grant(t, "con_1", 3)) // paused
	c := grantcache.New(grantcache.Config{Source: s, Entries: 1000, Fresh: always})
	revisionOf(t, c, "con_1")
	s.set(grant(t, "con_1", 4)) // resumed, and nobody said so
	if r := revisionOf(t, c, "con_1"); r != 4 {
		t.Errorf("revision %d, want 4", r)
	}
}

func TestAChangeHeardOfDropsTheGrant(t *testing.T) {
	for name, hear := range map[string]func(*grantcache.Cache){
		"by a notice":          func(c *grantcache.Cache) { c.Forget("con_1", 4) },
		"from the log":         func(c *grantcache.Cache) { c.Hear([]consent.Notice{{ID: "con_1", Revision: 4}}) },
		"by beginning anew":    func(c *grantcache.Cache) { c.Begin(nil) },
		"because none is told": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s, fresh := &truth{}, true
			s.set(grant(t, "con_1", 2))
			c := grantcache.New(grantcache.Config{Source: s, Entries: 1000, Fresh: func() bool { return fresh }})
			revisionOf(t, c, "con_1")
			s.set(grant(t, "con_1", 4))
			if hear != nil {
				hear(c)
			} else {
				fresh = false
			}
			if r := revisionOf(t, c, "con_1"); r != 4 {
				t.Errorf("revision %d, want 4", r)
			}
		})
	}
}

func TestAnOldGrantIsNotKeptAfterItsChangeWasHeardOf(t *testing.T) {
	s := &truth{}
	s.set(grant(t, "con_1", 2))
	c := grantcache.New(grantcache.Config{Source: s, Entries: 1000, Fresh: always})
	s.during = func() {
		s.during = nil
		s.set(grant(t, "con_1", 4))
		c.Forget("con_1", 4)
	}
	revisionOf(t, c, "con_1") // a slow reader, with the old one in hand
	if r := revisionOf(t, c, "con_1"); r != 4 {
		t.Errorf("revision %d, want 4: the slow reader's was kept", r)
	}
}

func TestASlowReaderIsNotBelievedWhenMoreChangesCameThanAreRemembered(t *testing.T) {
	s := &truth{}
	s.set(grant(t, "con_1", 2))
	c := grantcache.New(grantcache.Config{Source: s, Entries: 1000, Fresh: always})
	s.during = func() {
		s.during = nil
		s.set(grant(t, "con_1", 4))
		c.Forget("con_1", 4)
		for i := range 1 << 17 {
			c.Hear([]consent.Notice{{ID: consent.ID("con_x" + strconv.Itoa(i)), Revision: 2}})
		}
	}
	revisionOf(t, c, "con_1")
	if r := revisionOf(t, c, "con_1"); r != 4 {
		t.Errorf("revision %d, want 4", r)
	}
}

// However often it began anew, a cache remembers as many changes as it says.
func TestChangesAreForgottenOldestFirst(t *testing.T) {
	for _, before := range []int{0, 1, 1000, 1<<16 - 2} {
		s := &truth{}
		s.set(grant(t, "con_1", 2))
		c := grantcache.New(grantcache.Config{Source: s, Entries: 1000, Fresh: always})
		other := func(n int) {
			for i := range n {
				c.Hear([]consent.Notice{{ID: consent.ID("con_x" + strconv.Itoa(i)), Revision: 2}})
			}
		}
		other(before)
		c.Begin(nil)
		other(1<<16 - 10)
		s.during = func() {
			s.during = nil
			s.set(grant(t, "con_1", 4))
			c.Forget("con_1", 4)
			other(1<<16 - 10) // fewer than are remembered
		}
		revisionOf(t, c, "con_1")
		if r := revisionOf(t, c, "con_1"); r != 4 {
			t.Errorf("begun anew after %d changes: revision %d, want 4", before, r)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	s := &truth{}
	c := grantcache.New(grantcache.Config{Source: s, Entries: 640, Fresh: always})
	g := grant(t, "con_0", 2)
	for i := range 5000 {
		id := consent.ID("con_" + strconv.Itoa(i))
		s.mu.Lock()
		s.grants = map[consent.ID]consent.Grant{id: grantNamed(t, g, id)}
		s.mu.Unlock()
		if _, err := c.Grant(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Stats().Entries; n > 640 || n < 300 {
		t.Errorf("%d entries of 640", n)
	}
}

// grantNamed is the grant under another id.
func grantNamed(t testing.TB, g consent.Grant, id consent.ID) consent.Grant {
	t.Helper()
	raw, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := consent.ParseGrant(id, raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// shelf is a shared cache in memory.
type shelf struct {
	g  consent.Grant
	at consent.Position
	ok bool
}

func (s *shelf) Get(context.Context, consent.ID) (consent.Grant, consent.Position, bool) {
	return s.g, s.at, s.ok
}
func (s *shelf) Put(g consent.Grant, at consent.Position) { s.g, s.at, s.ok = g, at, true }
func (s *shelf) Bury(consent.ID, int64)                   { s.ok = false }

func TestAGrantIsLabelledWithThePositionItWasReadAt(t *testing.T) {
	s, shared := &truth{}, &shelf{}
	s.set(grant(t, "con_1", 2))
	c := grantcache.New(grantcache.Config{Source: s, Shared: shared, Entries: 1000, Fresh: always})
	s.during = func() { // somebody changes it, and nobody has told us yet
		s.during = nil
		s.set(grant(t, "con_1", 4))
	}
	revisionOf(t, c, "con_1")
	if shared.g.Revision() != 2 || shared.at.Pos != 1 {
		t.Errorf("revision %d is labelled %d, want 2 at 1", shared.g.Revision(), shared.at.Pos)
	}
}

func TestASharedGrantIsBelievedOnlyAsFarBackAsChangesAreRemembered(t *testing.T) {
	at := func(pos int64) consent.Position { return consent.Position{Shard: 1, Pos: pos} }
	for _, tt := range []struct {
		name   string
		begin  []consent.Position
		hear   []consent.Notice
		at     consent.Position
		shared bool
	}{
		{"read after what is remembered begins", []consent.Position{at(10)}, nil, at(10), true},
		{"read before that", []consent.Position{at(10)}, nil, at(9), false},
		{"changed since", []consent.Position{at(10)}, []consent.Notice{{At: at(11), ID: "con_1", Revision: 4}}, at(10), false},
		{"another changed since", []consent.Position{at(10)}, []consent.Notice{{At: at(11), ID: "con_2", Revision: 4}}, at(10), true},
		{"of a shard without changes then", nil, nil, at(0), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, shared := &truth{}, &shelf{g: grant(t, "con_1", 2), at: tt.at, ok: true}
			s.set(grant(t, "con_1", 4))
			c := grantcache.New(grantcache.Config{Source: s, Shared: shared, Entries: 1000, Fresh: always})
			c.Begin(tt.begin)
			c.Hear(tt.hear)
			if r := revisionOf(t, c, "con_1"); (r == 2) != tt.shared {
				t.Errorf("revision %d; believed should be %v", r, tt.shared)
			}
		})
	}
	t.Run("by one who hears nothing of positions", func(t *testing.T) {
		s, shared := &truth{}, &shelf{g: grant(t, "con_1", 2), at: at(99), ok: true}
		s.set(grant(t, "con_1", 4))
		c := grantcache.New(grantcache.Config{Source: s, Shared: shared, Entries: 1000, Fresh: always})
		if r := revisionOf(t, c, "con_1"); r != 4 {
			t.Errorf("revision %d, want 4", r)
		}
	})
}

func BenchmarkGrantKept(b *testing.B) {
	s := &truth{}
	c := grantcache.New(grantcache.Config{Source: s, Entries: 100_000, Fresh: always})
	g := grant(b, "con_0", 2)
	ids := make([]consent.ID, 1000)
	for i := range ids {
		ids[i] = consent.ID("con_" + strconv.Itoa(i))
		s.set(grantNamed(b, g, ids[i]))
	}
	for i := 0; b.Loop(); i++ {
		if _, err := c.Grant(b.Context(), ids[i%len(ids)]); err != nil {
			b.Fatal(err)
		}
	}
}
