package grantcache

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"sluice/consent"
	"sluice/mutant"
)

// Source is the truth.
type Source interface {
	// Load reads a grant and the position it is as new as, or consent.ErrNotFound.
	Load(ctx context.Context, id consent.ID) (consent.Grant, consent.Position, error)
}

// Shared is a cache that replicas share. It may lose or forge everything.
type Shared interface {
	// Get finds a grant whose seal is good.
	Get(ctx context.Context, id consent.ID) (consent.Grant, consent.Position, bool)
	// Put keeps a grant, soon, unless a newer one is there.
	Put(g consent.Grant, at consent.Position)
	// Bury drops what is older than the revision, soon.
	Bury(id consent.ID, revision int64)
}

// Config is what a Cache is made of.
type Config struct {
	Source  Source
	Shared  Shared      // nil if there is none
	Entries int         // grants kept in the process, at most about this many
	Fresh   func() bool // whether changes are being heard of; nothing is believed while not
}

const partitions = 64

// Cache finds grants. It may be used by many goroutines.
type Cache struct {
	Config
	window *window
	seed   maphash.Seed
	parts  [partitions]part
	counts struct{ process, shared, truth atomic.Int64 }
}

// part is two generations of entries: what is used moves to the young one, and
// when that is full the old one is dropped.
type part struct {
	mu         sync.Mutex
	young, old map[consent.ID]consent.Grant
}

// New makes an empty cache.
func New(c Config) *Cache {
	cache := &Cache{Config: c, window: newWindow(), seed: maphash.MakeSeed()}
	for i := range cache.parts {
		cache.parts[i].young = map[consent.ID]consent.Grant{}
	}
	return cache
}

// Grant finds a grant, which may be behind the truth, or consent.ErrNotFound.
func (c *Cache) Grant(ctx context.Context, id consent.ID) (consent.Grant, error) {
	if !c.Fresh() {
		return c.Newest(ctx, id)
	}
	if g, ok := c.kept(id); ok {
		c.counts.process.Add(1)
		return g, nil
	}
	if c.Shared != nil {
		began := c.window.now()
		if g, at, ok := c.Shared.Get(ctx, id); ok && c.window.believes(g, at) && c.keep(g, began) {
			c.counts.shared.Add(1)
			return g, nil
		}
	}
	return c.Newest(ctx, id)
}

// Newest reads the grant from the truth, or consent.ErrNotFound.
func (c *Cache) Newest(ctx context.Context, id consent.ID) (consent.Grant, error) {
	began := c.window.now()
	c.counts.truth.Add(1)
	g, at, err := c.Source.Load(ctx, id)
	if err != nil {
		return consent.Grant{}, fmt.Errorf("load grant: %w", err)
	}
	if g.Status() == consent.Active && c.keep(g, began) && c.Shared != nil {
		if mutant.Is(mutant.LabelAtStore) {
			_, at, _ = c.Source.Load(ctx, id)
		}
		c.Shared.Put(g, at)
	}
	return g, nil
}

// Forget drops revisions of a grant before this one, here and for all replicas.
func (c *Cache) Forget(id consent.ID, revision int64) {
	c.window.add(consent.Notice{ID: id, Revision: revision})
	c.drop(id, revision)
	if c.Shared != nil {
		c.Shared.Bury(id, revision)
	}
}

// Hear takes changes in, in the order of each shard.
func (c *Cache) Hear(changes []consent.Notice) {
	for _, ch := range changes {
		c.window.add(ch)
		c.drop(ch.ID, ch.Revision)
	}
}

// Begin forgets everything, and from now on hears of the changes after these.
func (c *Cache) Begin(from []consent.Position) {
	c.window.begin(from)
	for i := range c.parts {
		p := &c.parts[i]
		p.mu.Lock()
		p.young, p.old = map[consent.ID]consent.Grant{}, nil
		p.mu.Unlock()
	}
}

// Stats is how the cache is used. Counts are since the start.
type Stats struct {
	Entries                int
	Process, Shared, Truth int64 // look-ups answered by each
}

// Stats reads the counts.
func (c *Cache) Stats() Stats {
	s := Stats{Process: c.counts.process.Load(), Shared: c.counts.shared.Load(), Truth: c.counts.truth.Load()}
	for i := range c.parts {
		p := &c.parts[i]
		p.mu.Lock()
		s.Entries += len(p.young) + len(p.old)
		p.mu.Unlock()
	}
	return s
}

func (c *Cache) kept(id consent.ID) (consent.Grant, bool) {
	p := c.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if g, ok := p.young[id]; ok {
		return g, true
	}
	g, ok := p.old[id]
	if ok {
		delete(p.old, id)
		c.insert(p, g)
	}
	return g, ok
}

// keep keeps a grant whose reading began at began, unless a change of it was
// heard of since, or so many that one might have been forgotten. It is false if
// the grant is known to be old.
func (c *Cache) keep(g consent.Grant, began int64) bool {
	p := c.part(g.ID())
	p.mu.Lock()
	defer p.mu.Unlock()
	// Inside the lock: a change that is heard of later finds the entry and drops it.
	if !c.window.since(began, g) && !mutant.Is(mutant.FillAfterDrop) {
		return false
	}
	delete(p.old, g.ID())
	c.insert(p, g)
	return true
}

func (c *Cache) insert(p *part, g consent.Grant) {
	if len(p.young) >= max(1, c.Entries/partitions/2) {
		p.young, p.old = map[consent.ID]consent.Grant{}, p.young
	}
	p.young[g.ID()] = g
}

func (c *Cache) drop(id consent.ID, revision int64) {
	p := c.part(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if g, ok := p.young[id]; ok && g.Revision() < revision {
		delete(p.young, id)
	}
	if g, ok := p.old[id]; ok && g.Revision() < revision {
		delete(p.old, id)
	}
}

func (c *Cache) part(id consent.ID) *part {
	return &c.parts[maphash.String(c.seed, string(id))%partitions]
}
