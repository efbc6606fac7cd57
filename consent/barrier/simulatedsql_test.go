package barrier_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/consent/consenttest"
	"sluice/consent/replica"
	"sluice/mutant"
)

// simulatedSQL keeps consents, their order of changes, replicas and releases,
// each transaction at one instant, and answers late, or not at all.
type simulatedSQL struct {
	world *simulated
	store *consenttest.Memory
	rand  *chance

	mu      sync.Mutex
	changes []committed
	records []committed
	rows    map[string]*replica.Row
}

// committed is a change or a release, in the order of commits.
type committed struct {
	id       int
	revision int64
	boot     string
	at       time.Time
}

// soon is the way to the database or back.
func (s *simulatedSQL) soon() { time.Sleep(s.rand.upTo(2 * time.Millisecond)) }

func (s *simulatedSQL) newest(i int) int64 {
	c, err := s.store.Get(context.Background(), id(i))
	if err != nil {
		return 0
	}
	return c.Revision
}

// replace is the transaction of a change.
func (s *simulatedSQL) replace(ctx context.Context, c consent.Consent, ch consent.Change) error {
	s.soon()
	s.mu.Lock()
	err := s.store.Replace(ctx, c, ch)
	if err == nil {
		s.changes = append(s.changes, committed{id: index(c.ID), revision: c.Revision, at: time.Now()})
	}
	s.mu.Unlock()
	s.soon()
	if err == nil && s.rand.oneIn(20) {
		return errLost // committed, and nobody knows
	}
	return err
}

func index(of consent.ID) int { return int(of[len(of)-1] - '0') }

// record is the fence.
func (s *simulatedSQL) record(ctx context.Context, i int, g consent.Grant, boot string) error {
	s.soon()
	s.mu.Lock()
	now, err := s.store.Get(ctx, g.ID())
	if err != nil {
		s.mu.Unlock()
		return err
	}
	if now.Revision != g.Revision() || now.Grant().Digest() != g.Digest() {
		s.mu.Unlock()
		return errChanged
	}
	if mutant.Is(mutant.NoLock) { // looked at one instant, written at another
		s.mu.Unlock()
		s.soon()
		s.mu.Lock()
	}
	s.records = append(s.records, committed{id: i, revision: g.Revision(), boot: boot, at: time.Now()})
	s.mu.Unlock()
	s.soon()
	if s.rand.oneIn(50) {
		time.Sleep(s.rand.upTo(400 * time.Millisecond)) // the answer is late
	}
	if s.rand.oneIn(50) {
		return errLost
	}
	return nil
}

// Load reads a grant and its position at one instant, and may be slow to answer.
func (s *simulatedSQL) Load(ctx context.Context, of consent.ID) (consent.Grant, consent.Position, error) {
	s.soon()
	s.mu.Lock()
	c, err := s.store.Get(ctx, of)
	at := consent.Position{Shard: 1, Pos: int64(len(s.changes))}
	s.mu.Unlock()
	s.soon()
	if s.rand.oneIn(10) {
		time.Sleep(s.rand.upTo(100 * time.Millisecond))
	}
	return c.Grant(), at, err
}

func (s *simulatedSQL) others(_ context.Context, boot string, of consent.ID) ([]barrier.Replica, error) {
	s.soon()
	if s.rand.oneIn(30) {
		return nil, errLost
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]barrier.Replica{}
	for _, row := range s.rows {
		all[row.Boot] = barrier.Replica{Boot: row.Boot, Address: row.Address}
	}
	for _, rec := range s.records {
		if id(rec.id) == of && time.Since(rec.at) < 2*time.Second {
			all[rec.boot] = barrier.Replica{Boot: rec.boot, Address: all[rec.boot].Address, Recent: true}
		}
	}
	delete(all, boot)
	return slices.Collect(maps.Values(all)), nil
}

// Register adds a replica.
func (s *simulatedSQL) Register(_ context.Context, boot, address string) (replica.Pulse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[string]*replica.Row{}
	}
	s.rows[boot] = &replica.Row{Boot: boot, Address: address, Heartbeat: 1}
	from := max(0, int64(len(s.changes))-5)
	p := s.pulse(from)
	p.From = []consent.Position{{Shard: 1, Pos: from}}
	return p, nil
}

func (s *simulatedSQL) pulse(since int64) replica.Pulse {
	p := replica.Pulse{Incarnation: "one", Heads: []consent.Position{{Shard: 1, Pos: int64(len(s.changes))}}}
	for i, c := range s.changes[since:] {
		p.Changes = append(p.Changes, consent.Notice{
			At: consent.Position{Shard: 1, Pos: since + int64(i) + 1}, ID: id(c.id), Revision: c.revision,
		})
	}
	for _, row := range s.rows {
		p.Replicas = append(p.Replicas, *row)
	}
	return p
}

// Beat writes a heartbeat.
func (s *simulatedSQL) Beat(_ context.Context, boot string, since map[int64]int64) (replica.Pulse, error) {
	s.soon()
	if s.rand.oneIn(10) {
		return replica.Pulse{}, errLost
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.rows[boot]
	if row == nil {
		return replica.Pulse{}, replica.ErrRemoved
	}
	row.Heartbeat++
	return s.pulse(since[1]), nil
}

// forget takes a replica out that is taken for dead.
func (s *simulatedSQL) forget(boot string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, boot)
}

// Remove takes a replica out.
func (s *simulatedSQL) Remove(_ context.Context, boot string, heartbeat int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row := s.rows[boot]; row != nil && row.Heartbeat == heartbeat {
		delete(s.rows, boot)
	}
	return nil
}

// simulatedStore is the book's way to the database.
type simulatedStore struct {
	*consenttest.Memory
	sql *simulatedSQL
}

func (s simulatedStore) Replace(ctx context.Context, c consent.Consent, ch consent.Change) error {
	return s.sql.replace(ctx, c, ch)
}
