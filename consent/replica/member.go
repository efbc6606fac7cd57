package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"sluice/consent"
)

const (
	// Lease is how long a beat is good for.
	Lease = 2 * time.Second
	// Beat is how often there is one.
	Beat = Lease / 4
	// deadAfter is how long a counter stands still until its replica is removed.
	deadAfter = 3 * Lease
)

// ErrRemoved means that this replica is not registered any more.
var ErrRemoved = errors.New("replica was removed")

// Pulse is what a beat answers.
type Pulse struct {
	Incarnation string
	Heads       []consent.Position // of all shards that have changes
	From        []consent.Position // where Changes begin, if they were not asked for from a place
	Changes     []consent.Notice
	Replicas    []Row
}

// Row is a replica as it is registered.
type Row struct {
	Boot, Address string // no address: it left by itself
	Heartbeat     int64
}

// Registry keeps the replicas' rows and the log of changes.
type Registry interface {
	// Register adds this replica and answers where the changes stand, with some
	// that came before; who reads a grant after that and hears of all changes
	// from there misses none.
	Register(ctx context.Context, boot, address string) (Pulse, error)
	// Beat writes a heartbeat and reads the changes after since, in one
	// transaction. ErrRemoved if there is no row to write to.
	Beat(ctx context.Context, boot string, since map[int64]int64) (Pulse, error)
	// Remove takes a replica out whose counter is still this.
	Remove(ctx context.Context, boot string, heartbeat int64) error
}

// Cache is told of changes; see grantcache.Cache.
type Cache interface {
	Begin(from []consent.Position)
	Hear(changes []consent.Notice)
}

// Peers keeps connections to the other replicas; see replicaapi.Peers.
type Peers interface{ Keep(addresses []string) }

// Member is this process among the replicas.
type Member struct {
	registry      Registry
	cache         Cache
	peers         Peers
	boot, address string
	log           *slog.Logger
	clock         func() time.Duration
	until         atomic.Int64 // end of the lease, on the clock

	incarnation string
	since       map[int64]int64
	seen        map[string]sighting
}

type sighting struct {
	heartbeat int64
	at        time.Duration
}

// New makes a member that has not joined. clock never steps.
func New(r Registry, c Cache, p Peers, boot, address string, log *slog.Logger, clock func() time.Duration) *Member {
	return &Member{registry: r, cache: c, peers: p, boot: boot, address: address, log: log, clock: clock, seen: map[string]sighting{}}
}

// Fresh says whether changes are being heard of.
func (m *Member) Fresh() bool { return int64(m.clock()) < m.until.Load() }

// Join registers and begins to hear. Only then may the replica serve.
func (m *Member) Join(ctx context.Context) error {
	before := m.clock()
	p, err := m.registry.Register(ctx, m.boot, m.address)
	if err != nil {
		return fmt.Errorf("register replica: %w", err)
	}
	m.incarnation, m.since = p.Incarnation, map[int64]int64{}
	for _, from := range p.From {
		m.since[from.Shard] = from.Pos
	}
	m.cache.Begin(p.From)
	m.hear(p.Changes)
	m.until.Store(int64(before + Lease))
	m.meet(p.Replicas)
	return nil
}

// meet connects to the other replicas before there is something to tell them.
func (m *Member) meet(rows []Row) {
	var addresses []string
	for _, r := range rows {
		if r.Boot != m.boot && r.Address != "" {
			addresses = append(addresses, r.Address)
		}
	}
	m.peers.Keep(addresses)
}

func (m *Member) hear(changes []consent.Notice) {
	m.cache.Hear(changes)
	for _, c := range changes {
		m.since[c.At.Shard] = max(m.since[c.At.Shard], c.At.Pos)
	}
}

// Run beats until ctx is done, then leaves.
func (m *Member) Run(ctx context.Context) {
	tick := time.NewTicker(Beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := m.Beat(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "heartbeat", "error", err, "fresh", m.Fresh())
		}
	}
}

// Beat shows that this replica lives, and hears of what changed.
func (m *Member) Beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Lease)
	defer cancel()
	before := m.clock()
	p, err := m.registry.Beat(ctx, m.boot, m.since)
	if errors.Is(err, ErrRemoved) {
		m.log.WarnContext(ctx, "this replica was removed; beginning anew")
		return m.Join(ctx)
	}
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	if why := m.rewound(p); why != "" {
		m.log.ErrorContext(ctx, "the database lost changes or is another one; forgetting everything", "why", why)
		return m.Join(ctx)
	}
	m.hear(p.Changes)
	m.until.Store(int64(before + Lease))
	m.meet(p.Replicas)
	m.bury(ctx, p.Replicas)
	return nil
}

// rewound says what is wrong with a database that should only have grown.
func (m *Member) rewound(p Pulse) string {
	if p.Incarnation != m.incarnation {
		return "another incarnation"
	}
	heads := map[int64]int64{}
	for _, h := range p.Heads {
		heads[h.Shard] = h.Pos
	}
	for shard, pos := range m.since {
		if heads[shard] < pos {
			return fmt.Sprintf("shard %d went back from %d to %d", shard, pos, heads[shard])
		}
	}
	return ""
}

// bury removes replicas whose counters have stood still for long. One that was
// only asleep finds out at its next beat.
func (m *Member) bury(ctx context.Context, rows []Row) {
	now, seen := m.clock(), map[string]sighting{}
	for _, r := range rows {
		last, known := m.seen[r.Boot]
		if !known || last.heartbeat != r.Heartbeat {
			last = sighting{r.Heartbeat, now}
		}
		seen[r.Boot] = last
		if r.Boot == m.boot || now-last.at < deadAfter {
			continue
		}
		if err := m.registry.Remove(ctx, r.Boot, r.Heartbeat); err != nil {
			m.log.WarnContext(ctx, "remove a dead replica", "boot", r.Boot, "error", err)
			continue
		}
		m.log.InfoContext(ctx, "removed a dead replica", "boot", r.Boot)
	}
	m.seen = seen
}
