package replaytest

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/authn/replay"
)

// Store is what the suite tests.
type Store interface {
	replay.Store
	Sweep(ctx context.Context, at time.Time) (int, error)
}

// RunStore runs the suite: open makes an empty store, and a second view of the
// same one, as another replica has it. at is the present by the store's clock.
func RunStore(t *testing.T, at time.Time, open func(t *testing.T) (one, other Store)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, time.Time, Store, Store){
		"a use is fresh once, for all replicas":      freshOnce,
		"of many at once, one is fresh":              oneOfMany,
		"keys are told apart":                        keysDiffer,
		"a use that must be kept survives a sweep":   keptSurvive,
		"a use that is over is removed":              overRemoved,
		"an abandoned call is no fresh use":          abandoned,
		"a large heap of uses is removed altogether": heapRemoved,
	} {
		t.Run(name, func(t *testing.T) {
			one, other := open(t)
			test(t, at, one, other)
		})
	}
}

func use(t *testing.T, s Store, key string, until time.Time) bool {
	t.Helper()
	fresh, err := s.Use(t.Context(), key, until)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func sweep(t *testing.T, s Store, at time.Time) int {
	t.Helper()
	n, err := s.Sweep(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func freshOnce(t *testing.T, at time.Time, one, other Store) {
	until := at.Add(time.Minute)
	if !use(t, one, "k", until) {
		t.Error("the first use is not fresh")
	}
	if use(t, one, "k", until) || use(t, other, "k", until.Add(time.Hour)) {
		t.Error("a second use is fresh")
	}
}

func oneOfMany(t *testing.T, at time.Time, one, other Store) {
	var fresh atomic.Int64
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			s := one
			if i%2 == 1 {
				s = other
			}
			ok, err := s.Use(t.Context(), "k", at.Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			if ok {
				fresh.Add(1)
			}
		})
	}
	group.Wait()
	if fresh.Load() != 1 {
		t.Errorf("%d uses are fresh, want 1", fresh.Load())
	}
}

func keysDiffer(t *testing.T, at time.Time, one, _ Store) {
	until := at.Add(time.Minute)
	for _, key := range []string{
		replay.Key("proof", "a", "bc"), replay.Key("proof", "ab", "c"), replay.Key("assertion", "a", "bc"), replay.Key("proof", "a", "BC"), "", "\x00",
	} {
		if !use(t, one, key, until) {
			t.Errorf("%q passes for another", key)
		}
	}
}

func keptSurvive(t *testing.T, at time.Time, one, other Store) {
	use(t, one, "k", at.Add(time.Minute))
	if n := sweep(t, other, at); n != 0 {
		t.Errorf("%d removed", n)
	}
	if use(t, one, "k", at.Add(time.Minute)) {
		t.Error("a sweep made the use fresh again")
	}
}

func overRemoved(t *testing.T, at time.Time, one, other Store) {
	use(t, one, "over", at.Add(-time.Minute))
	use(t, one, "kept", at.Add(time.Minute))
	if n := sweep(t, other, at); n != 1 {
		t.Errorf("%d removed, want 1", n)
	}
	if !use(t, one, "over", at.Add(-time.Minute)) {
		t.Error("what was over is still there")
	}
}

func abandoned(t *testing.T, at time.Time, one, _ Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if fresh, err := one.Use(ctx, "k", at.Add(time.Minute)); err == nil || fresh {
		t.Errorf("Use = %t, %v", fresh, err)
	}
}

func heapRemoved(t *testing.T, at time.Time, one, _ Store) {
	const many = 50
	for i := range many {
		use(t, one, strconv.Itoa(i), at.Add(-time.Minute))
	}
	if n := sweep(t, one, at); n != many {
		t.Errorf("%d removed, want %d", n, many)
	}
}
