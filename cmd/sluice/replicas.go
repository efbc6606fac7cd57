package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"sluice/consent/barrier"
	"sluice/consent/grantcache"
	"sluice/consent/grantdb"
	"sluice/consent/replica"
	"sluice/consent/replicadb"
	"sluice/gateway/replicaapi"
	"sluice/sqldb"
)

// leaveTimeout bounds how long a replica that stops tries to say so.
const leaveTimeout = 2 * time.Second

// truth is the database, and what keeps replicas of it together. Alone, on
// SQLite, there is no member and nobody to tell.
type truth struct {
	db      *sqldb.DB
	boot    string
	gates   *barrier.Gates
	cache   *grantcache.Cache
	barrier *barrier.Barrier
	redis   *grantcache.Redis   // nil if there is none
	rows    *replicadb.Registry // nil if alone
	member  *replica.Member     // nil if alone
}

// openTruth opens the database and the caches before it.
func openTruth(ctx context.Context, c config, keys secrets) (*truth, error) {
	t := &truth{boot: "boot_" + rand.Text(), gates: barrier.NewGates(boottime)}
	var err error
	if c.Database.URL == "" {
		t.db, err = sqldb.Open(ctx, filepath.Join(c.Data, "sluice.db"))
	} else {
		t.db, err = sqldb.OpenPostgres(ctx, sqldb.PostgresConfig{
			URL: c.Database.URL, Connections: c.Database.Connections, SingleNode: c.Database.Durability == singleNode,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := keys.belong(ctx, t.db); err != nil {
		return nil, errors.Join(err, t.db.Close())
	}
	caching := grantcache.Config{Source: grantdb.New(t.db), Entries: c.Cache.Entries, Fresh: t.fresh}
	if len(c.Redis.Addresses) > 0 {
		if t.redis, err = c.Redis.open(ctx, t.db, keys); err != nil {
			return nil, errors.Join(err, t.db.Close())
		}
		caching.Shared = t.redis
	}
	t.cache = grantcache.New(caching)
	return t, nil
}

// fresh says whether changes are being heard of. Who is alone makes them all.
func (t *truth) fresh() bool { return t.member == nil || t.member.Fresh() }

// alone makes the barrier of a process that has the database to itself.
func (t *truth) alone() { t.barrier = barrier.New(t.gates, t.cache.Forget, nil, nil) }

// among makes the barrier of one replica of many.
func (t *truth) among(peers *replicaapi.Peers) {
	t.rows = replicadb.New(t.db, t.boot)
	t.barrier = barrier.New(t.gates, t.cache.Forget, t.rows, peers)
}

// leave takes this replica out. If it can't, others find out by themselves.
func (t *truth) leave() error {
	if t.rows == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	return t.rows.Leave(ctx) //nolint:wrapcheck // says what it is
}

func (t *truth) close() error {
	t.barrier.Close()
	var errs []error
	if t.redis != nil {
		errs = append(errs, t.redis.Close())
	}
	return errors.Join(append(errs, t.db.Close())...)
}

// open connects to Redis, which need not be there: it may come later, or never.
func (c redisConfig) open(ctx context.Context, db *sqldb.DB, keys secrets) (*grantcache.Redis, error) {
	secure, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	incarnation, err := db.Incarnation(ctx)
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	client := grantcache.Server{
		Addresses: c.Addresses, Cluster: c.Cluster, SentinelMaster: c.SentinelMaster,
		Username: c.Username, Password: c.Password, TLS: secure,
	}.Connect()
	out, err := grantcache.NewRedis(client, keys.CacheKey, incarnation, boottime)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open cache: %w", err), client.Close())
	}
	return out, nil
}

// boottime is a clock that never steps and runs while the machine sleeps.
func boottime() time.Duration {
	var t unix.Timespec
	// Fails only for a clock that the kernel does not have.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return time.Duration(t.Nano())
}
