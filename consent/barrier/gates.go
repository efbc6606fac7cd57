package barrier

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"sluice/consent"
	"sluice/mutant"
)

// HandOffLimit is how long after it began to be recorded an answer may begin
// to leave.
const HandOffLimit = 250 * time.Millisecond

// Margin is how long a change waits for a replica that does not answer: the
// limit, on a clock that may run 10 % slower than the other runs fast.
const Margin = HandOffLimit * 12 / 10

// ErrWithheld means that an answer must not leave: its grant has changed, or it
// has become too old to tell.
var ErrWithheld = errors.New("withheld: the grant may have changed since the release was recorded")

// Clock reads a clock that never steps and runs while the machine sleeps.
type Clock func() time.Duration

const gateShards = 64

// Gates knows the answers of this replica that are being handed over. It may be
// used by many goroutines.
type Gates struct {
	clock  Clock
	seed   maphash.Seed
	shards [gateShards]gateShard
}

type gateShard struct {
	mu    sync.Mutex
	gates map[consent.ID]*gate
}

// gate is one consent's. It is there while sections are open or a release
// recorded before the tombstone may still come.
type gate struct {
	open      map[int64]int // sections by revision
	tombstone int64         // older revisions may not begin any more
	buried    time.Duration // when the tombstone was set
	changed   chan struct{} // closed when a section ends
}

// NewGates makes gates that read the clock.
func NewGates(clock Clock) *Gates {
	g := &Gates{clock: clock, seed: maphash.MakeSeed()}
	for i := range g.shards {
		g.shards[i].gates = map[consent.ID]*gate{}
	}
	return g
}

// Now is the moment from which an answer's age counts: it is read before the
// release is recorded.
func (g *Gates) Now() time.Duration { return g.clock() }

// Section is one hand-off under way. The zero value is none.
type Section struct {
	gates    *Gates
	id       consent.ID
	revision int64
	began    time.Duration
}

// Enter begins the hand-off of an answer under a revision, whose recording began
// at began, or answers ErrWithheld. The section must be left.
func (g *Gates) Enter(id consent.ID, revision int64, began time.Duration) (Section, error) {
	s := g.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.clock()-began > HandOffLimit && !mutant.Is(mutant.NoAgeLimit) {
		return Section{}, ErrWithheld
	}
	own := s.gates[id]
	if own != nil && own.tombstone > revision && !mutant.Is(mutant.NoTombstone) {
		return Section{}, ErrWithheld
	}
	if own == nil {
		own = &gate{open: map[int64]int{}, changed: make(chan struct{})}
		s.gates[id] = own
	}
	own.open[revision]++
	return Section{gates: g, id: id, revision: revision, began: began}, nil
}

// Leave ends the hand-off. It is true if that was too late for a change that
// could not wait longer to have been told the truth.
func (s Section) Leave() (late bool) {
	if s.gates == nil {
		return false
	}
	shard := s.gates.shard(s.id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	own := shard.gates[s.id]
	if own.open[s.revision]--; own.open[s.revision] == 0 {
		delete(own.open, s.revision)
	}
	close(own.changed)
	own.changed = make(chan struct{})
	now := s.gates.clock()
	shard.tidy(s.id, own, now)
	return now-s.began > Margin
}

// Drain keeps answers under revisions before this one from beginning to leave,
// and waits for those that have begun.
func (g *Gates) Drain(ctx context.Context, id consent.ID, revision int64) error {
	s := g.shard(id)
	for buried := false; ; buried = true {
		s.mu.Lock()
		own := s.gates[id]
		if own == nil {
			own = &gate{open: map[int64]int{}, changed: make(chan struct{})}
			s.gates[id] = own
		}
		if !buried {
			own.tombstone, own.buried = max(own.tombstone, revision), g.clock()
			time.AfterFunc(2*HandOffLimit, func() { g.sweep(id) })
		}
		waiting, changed := own.before(revision), own.changed
		s.mu.Unlock()
		if !waiting || mutant.Is(mutant.AckBeforeDrain) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("drain: %w", ctx.Err())
		}
	}
}

func (own *gate) before(revision int64) bool {
	for r := range own.open {
		if r < revision {
			return true
		}
	}
	return false
}

// sweep forgets a tombstone that nothing can come too late for any more.
func (g *Gates) sweep(id consent.ID) {
	s := g.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := s.gates[id]; own != nil {
		s.tidy(id, own, g.clock())
	}
}

// tidy drops a gate that holds nothing. A tombstone holds until every release
// whose recording began before it is too old to enter.
func (s *gateShard) tidy(id consent.ID, own *gate, now time.Duration) {
	fresh := own.tombstone > 0 && now-own.buried <= HandOffLimit
	if fresh && mutant.Is(mutant.TombstoneEvicted) {
		fresh = false
	}
	if len(own.open) == 0 && !fresh {
		delete(s.gates, id)
	}
}

func (g *Gates) shard(id consent.ID) *gateShard {
	return &g.shards[maphash.String(g.seed, string(id))%gateShards]
}
