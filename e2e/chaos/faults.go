package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// fault goes on until its context ends; the stage heals afterwards.
type fault struct {
	name    string
	atLeast time.Duration // how long a cell needs to show anything
	hurt    func(ctx context.Context, s *stage, r *rand.Rand)
	frozen  time.Duration // how long a process may stand still with what it was about to send
}

func faults() []fault {
	return []fault{
		{undisturbed, 0, func(context.Context, *stage, *rand.Rand) {}, 0},
		{"kill", 0, killed, 0},
		{"stop-0.1s", 0, stopped(100 * time.Millisecond), 100 * time.Millisecond},
		{"stop-1s", 0, stopped(time.Second), time.Second},
		{"stop-5s", 7 * time.Second, stopped(5 * time.Second), 5 * time.Second},
		{"sql-black-hole", 0, bursts(700*time.Millisecond, func(s *stage, i int) *link { return s.replicas[i].sql }, func(l *link) { l.hold.Store(true) }), 0},
		{"sql-one-way", 0, bursts(700*time.Millisecond, func(s *stage, i int) *link { return s.replicas[i].sql }, func(l *link) { l.deaf.Store(true) }), 0},
		{"sql-reset", 0, bursts(30*time.Millisecond, func(s *stage, i int) *link { return s.replicas[i].sql }, (*link).reset), 0},
		{"sql-slow", 0, bursts(700*time.Millisecond, func(s *stage, i int) *link { return s.replicas[i].sql }, func(l *link) { l.delay.Store(int64(30 * time.Millisecond)) }), 0},
		{"peers-cut", 0, bursts(900*time.Millisecond, func(s *stage, i int) *link { return s.replicas[i].peer }, func(l *link) { l.hold.Store(true) }), 0},
		{"redis-flushed", 0, redisLoop(func(ctx context.Context, c *redis.Client, _ map[string]string) { c.FlushAll(ctx) }), 0},
		{"redis-forged", 0, redisLoop(forge), 0},
		{"redis-restored", 0, redisLoop(restore), 0},
		{"redis-black-hole", 0, bursts(700*time.Millisecond, func(s *stage, i int) *link { return s.replicas[i].redis }, func(l *link) { l.hold.Store(true) }), 0},
		{"redis-killed", 0, service("redis"), 0},
		{"postgres-restarted", 5 * time.Second, service("postgres"), 0},
		{"lock-held", 0, lockHeld, 0},
		{"bank-hangs", 0, bursts(900*time.Millisecond, func(s *stage, i int) *link { return s.bankLinks[i] }, func(l *link) { l.hold.Store(true) }), 0},
		{"bank-slow", 0, bursts(900*time.Millisecond, func(s *stage, i int) *link { return s.bankLinks[i] }, func(l *link) { l.delay.Store(int64(100 * time.Millisecond)) }), 0},
		{"clock-an-hour-off", 0, clockOff, 0},
		{rolling, 5 * time.Second, rollingRestart, 0},
	}
}

// undisturbed is none.
const undisturbed = "none"

// rolling is the fault that no call may be refused for.
const rolling = "rolling-restart"

// pause waits, and is false when the cell is over.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func killed(ctx context.Context, s *stage, r *rand.Rand) {
	for pause(ctx, 300*time.Millisecond+time.Duration(r.Int64N(int64(300*time.Millisecond)))) {
		victim := s.replicas[r.IntN(len(s.replicas))]
		victim.kill()
		pause(ctx, time.Duration(r.Int64N(int64(500*time.Millisecond))))
		if victim.start(context.Background(), "") != nil || victim.ready(ctx) != nil {
			return // healing tries again, and says why not
		}
	}
}

func stopped(d time.Duration) func(context.Context, *stage, *rand.Rand) {
	return func(ctx context.Context, s *stage, r *rand.Rand) {
		for pause(ctx, time.Duration(r.Int64N(int64(200*time.Millisecond)))) {
			victim := s.replicas[r.IntN(len(s.replicas))]
			victim.signal(syscall.SIGSTOP)
			pause(ctx, d)
			victim.signal(syscall.SIGCONT)
		}
	}
}

// bursts breaks one of three links for a while, heals it, and takes another.
func bursts(d time.Duration, of func(*stage, int) *link, hurt func(*link)) func(context.Context, *stage, *rand.Rand) {
	return func(ctx context.Context, s *stage, r *rand.Rand) {
		for pause(ctx, time.Duration(r.Int64N(int64(d)))) {
			l := of(s, r.IntN(replicaCount))
			hurt(l)
			pause(ctx, d)
			l.heal()
		}
	}
}

func redisLoop(hurt func(ctx context.Context, c *redis.Client, old map[string]string)) func(context.Context, *stage, *rand.Rand) {
	return func(ctx context.Context, s *stage, r *rand.Rand) {
		c := redis.NewClient(&redis.Options{Addr: s.redis})
		defer c.Close()
		old := map[string]string{}
		for pause(ctx, time.Duration(r.Int64N(int64(60*time.Millisecond)))) {
			hurt(ctx, c, old)
		}
	}
}

// restore keeps the first value of each key and puts it back again and again.
func restore(ctx context.Context, c *redis.Client, old map[string]string) {
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		return
	}
	for _, k := range keys {
		if v, known := old[k]; known {
			c.Set(ctx, k, v, 0)
		} else if v, err := c.Get(ctx, k).Result(); err == nil && len(v) > 10 {
			old[k] = v
		}
	}
}

// forge gives each key another's value, or one made up, of the highest revision.
func forge(ctx context.Context, c *redis.Client, _ map[string]string) {
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		return
	}
	for i, k := range keys {
		v, err := c.Get(ctx, keys[(i+1)%len(keys)]).Result()
		if err != nil || i%2 == 0 {
			v = "\xff\xff\xff\xff\xff\xff" + strconv.Itoa(i) + v
		}
		c.Set(ctx, k, v, 0)
	}
}

func service(what string) func(context.Context, *stage, *rand.Rand) {
	return func(ctx context.Context, s *stage, r *rand.Rand) {
		for pause(ctx, 500*time.Millisecond+time.Duration(r.Int64N(int64(500*time.Millisecond)))) {
			// On their own context: a service is not left half started.
			_, _ = s.service(context.Background(), "kill", what)
			pause(ctx, time.Duration(r.Int64N(int64(300*time.Millisecond))))
			_, _ = s.service(context.Background(), "start", what)
		}
	}
}

// lockHeld holds one grant's row, as a client does that froze in a transaction.
func lockHeld(ctx context.Context, s *stage, r *rand.Rand) {
	for pause(ctx, time.Duration(r.Int64N(int64(300*time.Millisecond)))) {
		tx, err := s.sql.BeginTx(ctx, nil)
		if err != nil {
			continue
		}
		_, _ = tx.ExecContext(ctx, `UPDATE grants SET fenced_version = fenced_version WHERE consent_id =
			(SELECT consent_id FROM grants WHERE status = 'ACTIVE' ORDER BY created_at DESC OFFSET $1 LIMIT 1)`, r.IntN(4))
		pause(ctx, 400*time.Millisecond)
		_ = tx.Rollback()
	}
}

func clockOff(ctx context.Context, s *stage, _ *rand.Rand) {
	for i, shift := range []string{"1h", "-1h"} {
		s.replicas[i].stop()
		if s.replicas[i].start(context.Background(), shift) != nil || s.replicas[i].ready(ctx) != nil {
			return
		}
	}
	<-ctx.Done()
}

func rollingRestart(ctx context.Context, s *stage, _ *rand.Rand) {
	for i := 0; pause(ctx, 200*time.Millisecond); i = (i + 1) % len(s.replicas) {
		s.replicas[i].stop()
		if s.replicas[i].start(context.Background(), "") != nil || s.replicas[i].ready(ctx) != nil {
			return
		}
	}
}
