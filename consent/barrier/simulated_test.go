package barrier_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/consent/consenttest"
	"sluice/consent/grantcache"
	"sluice/consent/replica"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/mutant"
)

const (
	simulatedReplicas = 3
	simulatedConsents = 2
	simulatedTime     = 3 * time.Second
)

var (
	errLost    = errors.New("connection reset by the simulation")
	errChanged = errors.New("grant changed")
)

// simulated is one schedule's world.
type simulated struct {
	t        *testing.T
	seed     uint64
	start    time.Time
	sql      *simulatedSQL
	shared   *simulatedShared
	replicas []*simulatedReplica

	mu           sync.Mutex
	handedOver   []handedOver
	acknowledged []acknowledged
	faults       []string
	tally        tally
}

// simulatedReplica is one process: everything in it is the real thing.
type simulatedReplica struct {
	world  *simulated
	boot   string
	rate   float64 // of its clock
	gates  *barrier.Gates
	cache  *grantcache.Cache
	member *replica.Member
	bar    *barrier.Barrier
	book   *consent.Book

	mu     sync.Mutex
	frozen time.Time // stopped until then
	cutOff time.Time // hears no notices until then
}

func newSimulated(t *testing.T, seed uint64) *simulated {
	w := &simulated{t: t, seed: seed, start: time.Now()}
	w.sql = &simulatedSQL{world: w, store: consenttest.NewMemory(), rand: w.rand(1)}
	w.shared = &simulatedShared{entries: map[consent.ID]sharedEntry{}, rand: w.rand(2)}
	for i := range simulatedReplicas {
		w.replicas = append(w.replicas, w.newReplica(i))
	}
	return w
}

// rand is a stream of chance for one part, so that parts do not disturb each other's.
func (w *simulated) rand(part uint64) *chance {
	return &chance{r: rand.New(rand.NewPCG(w.seed, part))}
}

type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (c *chance) upTo(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.r.Int64N(int64(d)) + 1)
}

func (c *chance) oneIn(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n) == 0
}

func (c *chance) pick(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

func (w *simulated) newReplica(i int) *simulatedReplica {
	r := &simulatedReplica{world: w, boot: "boot_" + strconv.Itoa(i), rate: 0.96 + 0.04*float64(i)}
	start := time.Now()
	clock := func() time.Duration { return time.Duration(float64(time.Since(start)) * r.rate) }
	r.gates = barrier.NewGates(clock)
	r.cache = grantcache.New(grantcache.Config{Source: w.sql, Shared: w.shared, Entries: 1000, Fresh: func() bool { return r.member.Fresh() }})
	r.member = replica.New(w.sql, r.cache, nobody{}, r.boot, r.boot, slog.New(slog.DiscardHandler), clock)
	r.bar = barrier.New(r.gates, r.cache.Forget, simulatedPeers{r}, simulatedPeers{r})
	r.book = consent.NewBook(simulatedStore{w.sql.store, w.sql}, r.bar, time.Now)
	return r
}

type nobody struct{}

func (nobody) Keep([]string) {}

func (w *simulated) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *simulated) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	for i := range simulatedConsents {
		w.agree(ctx, i)
	}
	for i, r := range w.replicas {
		if err := r.member.Join(ctx); err != nil {
			w.t.Fatal(err)
		}
		all.Go(func() { r.beat(ctx) })
		all.Go(func() { r.suffer(w.rand(uint64(10 + i))) })
	}
	ends, stop := context.WithTimeout(ctx, simulatedTime)
	defer stop()
	for i := range 2 * simulatedReplicas {
		all.Go(func() { w.replicas[i%simulatedReplicas].pull(ends, w.rand(uint64(20+i))) })
	}
	for i := range 2 {
		all.Go(func() { w.change(ends, w.rand(uint64(30+i))) })
	}
	<-ends.Done()
	// Everybody heals, hears what there is to hear, and must then agree.
	time.Sleep(3 * replica.Lease)
	w.agreed(ctx)
	cancel()
	all.Wait()
	for _, r := range w.replicas {
		r.bar.Close()
	}
	w.judge()
}

// beat is replica.Member.Run in a process that may be frozen.
func (r *simulatedReplica) beat(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(replica.Beat)
		r.wait()
		_ = r.member.Beat(ctx) // tried again
	}
}

// suffer makes things happen to a process: it stops for a while, is cut off from
// the others, or stops until it has been taken for dead.
func (r *simulatedReplica) suffer(c *chance) {
	for time.Since(r.world.start) < simulatedTime {
		time.Sleep(c.upTo(time.Second))
		r.mu.Lock()
		switch c.pick(4) {
		case 3:
			r.freeze(400*time.Millisecond + c.upTo(400*time.Millisecond))
			time.AfterFunc(350*time.Millisecond, func() { r.world.sql.forget(r.boot) })
		case 0:
			r.freeze(c.upTo(800 * time.Millisecond))
		case 1:
			r.cutOff = time.Now().Add(c.upTo(800 * time.Millisecond))
		}
		r.mu.Unlock()
	}
}

// freeze stops the process; a shorter stop does not end a longer one.
func (r *simulatedReplica) freeze(d time.Duration) {
	if until := time.Now().Add(d); until.After(r.frozen) {
		r.frozen = until
	}
}

// wait is where a process may be stopped.
func (r *simulatedReplica) wait() {
	for {
		r.mu.Lock()
		d := time.Until(r.frozen)
		r.mu.Unlock()
		if d <= 0 {
			return
		}
		time.Sleep(d)
	}
}

func id(i int) consent.ID { return consent.ID("con_" + strconv.Itoa(i)) }

// agree makes a live consent.
func (w *simulated) agree(ctx context.Context, i int) {
	clusters := consent.ClustersOf(consent.Balances)
	c, ch, err := consent.Request(id(i), "messenger", "morava", consent.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
		ValidUntil: time.Now().AddDate(0, 1, 0),
	}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	shares := []consent.Share{{Account: "A1", Clusters: clusters}, {Account: "A2", Clusters: clusters}}
	next, agreed, err := c.Authorize(consent.Choice{Shares: shares}, consent.Actor{Kind: consent.ActorCustomer, ID: "one"}, time.Now())
	if err = errors.Join(err, w.sql.store.Create(ctx, c, ch)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.sql.replace(ctx, next, agreed); err != nil && !errors.Is(err, errLost) {
		w.t.Fatal(err)
	}
}

// pull releases again and again, the way the gate does.
func (r *simulatedReplica) pull(ctx context.Context, c *chance) {
	find := r.cache.Grant
	for ctx.Err() == nil {
		time.Sleep(c.upTo(20 * time.Millisecond))
		r.wait()
		i := c.pick(simulatedConsents)
		g, err := find(ctx, id(i))
		find = r.cache.Grant
		if err != nil || g.Status() != consent.Active {
			if err == nil {
				find = r.cache.Newest
			}
			continue
		}
		time.Sleep(c.upTo(10 * time.Millisecond)) // the bank
		r.wait()
		began := r.gates.Now()
		err = r.world.sql.record(ctx, i, g, r.boot)
		r.wait()
		switch {
		case errors.Is(err, errChanged):
			r.world.count(func(t *tally) { t.refused++ })
			find = r.cache.Newest
			continue
		case err != nil:
			continue // of unknown outcome: withheld
		}
		r.handOff(i, g, began, c)
	}
}

func (r *simulatedReplica) handOff(i int, g consent.Grant, began time.Duration, c *chance) {
	time.Sleep(c.upTo(5 * time.Millisecond)) // the answer is put together
	r.wait()
	s, err := r.gates.Enter(g.ID(), g.Revision(), began)
	if err != nil {
		r.world.count(func(t *tally) { t.withheld++ })
		return
	}
	// Between the look at the gate and the first byte there is a little time.
	time.Sleep(c.upTo(2 * time.Millisecond))
	r.world.mu.Lock()
	r.world.tally.releases++
	r.world.handedOver = append(r.world.handedOver, handedOver{i, g.Revision(), time.Now()})
	r.world.mu.Unlock()
	s.Leave()
}

func (w *simulated) count(f func(*tally)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.tally)
}

// change holds and lets go, narrows, and at last revokes, through any replica,
// sometimes the same change through two.
func (w *simulated) change(ctx context.Context, c *chance) {
	who := consent.ByCustomer{Bank: "morava", Customer: "one"}
	for ctx.Err() == nil {
		time.Sleep(c.upTo(200 * time.Millisecond))
		r, i := w.replicas[c.pick(simulatedReplicas)], c.pick(simulatedConsents)
		do := func(b *consent.Book) (consent.Consent, error) { return b.Pause(ctx, who, id(i), 0) }
		switch c.pick(16) {
		case 0:
			do = func(b *consent.Book) (consent.Consent, error) { return b.WithdrawAccount(ctx, who, id(i), 0, "A2") }
		case 1:
			do = func(b *consent.Book) (consent.Consent, error) { return b.Revoke(ctx, who, id(i)) }
		case 2, 3, 4, 5, 6, 7, 8, 9:
			do = func(b *consent.Book) (consent.Consent, error) { return b.Resume(ctx, who, id(i), 0) }
		}
		var both sync.WaitGroup
		for _, via := range []*simulatedReplica{r, w.replicas[c.pick(simulatedReplicas)]} {
			both.Go(func() { w.acknowledge(i, via, do) })
		}
		both.Wait()
	}
}

func (w *simulated) acknowledge(i int, via *simulatedReplica, do func(*consent.Book) (consent.Consent, error)) {
	via.wait()
	before := time.Now()
	changed, err := do(via.book)
	via.wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.tally.changes++
		w.acknowledged = append(w.acknowledged, acknowledged{i, changed.Revision, time.Now()})
		if time.Since(before) >= barrier.Margin {
			w.tally.waited++
		}
	case errors.Is(err, errLost):
		w.tally.unknown++
	}
}

// agreed requires that nobody remembers what is over.
func (w *simulated) agreed(ctx context.Context) {
	for _, r := range w.replicas {
		for i := range simulatedConsents {
			g, err := r.cache.Grant(ctx, id(i))
			if newest := w.sql.newest(i); err != nil || g.Revision() != newest {
				w.fault("%s remembers revision %d of consent %d, %v, long after %d was committed", r.boot, g.Revision(), i, err, newest)
			}
		}
		w.tally.shared += int(r.cache.Stats().Shared)
	}
}

// simulatedPeers is a replica's way to the others.
type simulatedPeers struct{ *simulatedReplica }

func (p simulatedPeers) Others(ctx context.Context, of consent.ID) ([]barrier.Replica, error) {
	return p.world.sql.others(ctx, p.boot, of)
}

func (p simulatedPeers) Fence(ctx context.Context, to barrier.Replica, of consent.ID, revision int64) error {
	for _, r := range p.world.replicas {
		if to.Address == "" || r.boot != to.Boot {
			continue
		}
		time.Sleep(p.world.sql.rand.upTo(3 * time.Millisecond))
		r.mu.Lock()
		cut := time.Until(r.cutOff)
		r.mu.Unlock()
		if cut > 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		r.wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.bar.Fence(ctx, of, revision)
	}
	return errLost
}

// simulatedShared is a cache that loses things, and gives old ones back.
type simulatedShared struct {
	mu      sync.Mutex
	rand    *chance
	entries map[consent.ID]sharedEntry
	old     []sharedEntry
}

type sharedEntry struct {
	grant    consent.Grant
	at       consent.Position
	revision int64
}

func (s *simulatedShared) Get(_ context.Context, id consent.ID) (consent.Grant, consent.Position, bool) {
	time.Sleep(s.rand.upTo(time.Millisecond))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rand.oneIn(4) && len(s.old) > 0 { // restored from an old copy
		if e := s.old[s.rand.pick(len(s.old))]; e.grant.ID() == id {
			return e.grant, e.at, true
		}
	}
	e, ok := s.entries[id]
	return e.grant, e.at, ok && e.grant.ID() == id && !s.rand.oneIn(8)
}

func (s *simulatedShared) Put(g consent.Grant, at consent.Position) {
	s.keep(g.ID(), sharedEntry{g, at, g.Revision()})
}

func (s *simulatedShared) Bury(id consent.ID, revision int64) {
	s.keep(id, sharedEntry{revision: revision})
}

func (s *simulatedShared) keep(id consent.ID, e sharedEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[id].revision > e.revision && !mutant.Is(mutant.NoSetIfNewer) {
		return
	}
	s.entries[id] = e
	if e.grant.ID() != "" && len(s.old) < 100 {
		s.old = append(s.old, e)
	}
}
