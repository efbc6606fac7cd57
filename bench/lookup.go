package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"sluice/consent"
	"sluice/consent/grantcache"
	"sluice/consent/grantdb"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/sqldb"
)

const (
	lookupWorkingSet = 1000
	lookupRounds     = 7
)

// runLookup measures finding a grant in the process, in Redis and in SQL, where
// there are few grants and where there are many, in alternating rounds.
func runLookup(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench lookup", flag.ContinueOnError)
	many := flags.Int("grants", 10_000_000, "how many are many")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	server, cache := os.Getenv("SLUICE_TEST_POSTGRES"), os.Getenv("SLUICE_TEST_REDIS")
	if server == "" || cache == "" {
		return errors.New("SLUICE_TEST_POSTGRES and SLUICE_TEST_REDIS name no servers; deploy/services.sh up starts them")
	}
	var shelves []*shelf
	for _, n := range []int{1000, *many} {
		began := time.Now()
		s, err := openShelf(ctx, server, cache, n)
		if err != nil {
			return err
		}
		defer s.close(server)
		fmt.Printf("%d grants, made in %v\n", n, time.Since(began).Round(time.Second))
		shelves = append(shelves, s)
	}
	for _, from := range []string{"process", "redis", "sql"} {
		best := []time.Duration{time.Hour, time.Hour}
		for range lookupRounds {
			for i, s := range shelves {
				took, err := s.round(ctx, from)
				if err != nil {
					return err
				}
				best[i] = min(best[i], took)
			}
		}
		fmt.Printf("  %-8s %10v with 1000 grants, %10v with %d, ratio %.2f\n", from, best[0], best[1], *many, float64(best[1])/float64(best[0]))
	}
	return nil
}

// shelf is a database with so many grants, and the caches before it.
type shelf struct {
	name  string
	db    *sqldb.DB
	redis *grantcache.Redis
	cache *grantcache.Cache
	ids   []consent.ID
}

func openShelf(ctx context.Context, server, redis string, n int) (*shelf, error) {
	s := &shelf{name: "bench_" + strings.ToLower(rand.Text())}
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("read URL: %w", err)
	}
	if err := execSQL(ctx, server, 0, `CREATE DATABASE `+s.name); err != nil {
		return nil, err
	}
	u.Path = "/" + s.name
	if err := sqldb.Migrate(ctx, u.String()); err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	if s.db, err = sqldb.OpenPostgres(ctx, sqldb.PostgresConfig{URL: u.String(), SingleNode: true}); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := s.fill(ctx, u.String(), n); err != nil {
		return nil, err
	}
	start := time.Now()
	s.redis, err = grantcache.NewRedis(grantcache.Server{Addresses: []string{redis}}.Connect(),
		[]byte("a secret for measuring, long enough"), s.name, func() time.Duration { return time.Since(start) })
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	s.cache = grantcache.New(grantcache.Config{
		Source: grantdb.New(s.db), Shared: s.redis, Entries: 100_000, Fresh: func() bool { return true },
	})
	s.cache.Begin(nil)
	for i := range lookupWorkingSet {
		s.ids = append(s.ids, idOf(i*(n/lookupWorkingSet)+1))
	}
	return s, nil
}

func idOf(i int) consent.ID { return consent.ID(fmt.Sprintf("con_%026d", i)) }

// fill makes one real grant and copies it.
func (s *shelf) fill(ctx context.Context, owner string, n int) error {
	clusters := consent.ClustersOf(consent.Balances, consent.TransactionsBasic)
	c, asked, err := consent.Request("con_model", "messenger", "morava", consent.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
		LookBackDays: 90, ValidUntil: time.Now().AddDate(0, 6, 0),
	}, time.Now())
	if err != nil {
		return fmt.Errorf("make grant: %w", err)
	}
	store := grantdb.New(s.db)
	if err := store.Create(ctx, c, asked); err != nil {
		return fmt.Errorf("make grant: %w", err)
	}
	var shares []consent.Share
	for _, a := range []consent.AccountID{"A7753", "C1005", "L6577"} {
		shares = append(shares, consent.Share{Account: a, Clusters: clusters})
	}
	c, agreed, err := c.Authorize(consent.Choice{Shares: shares}, consent.Actor{Kind: consent.ActorCustomer, ID: "9593"}, time.Now())
	if err = errors.Join(err, store.Replace(ctx, c, agreed)); err != nil {
		return fmt.Errorf("make grant: %w", err)
	}
	return execSQL(ctx, owner, n,
		`INSERT INTO grants SELECT 'con_' || lpad(i::text, 26, '0'), version, status, digest, partner, bank, i::text, 1 + i % 255,
			created_at, valid_until, one_time, unattended_per_day, fenced_version
			FROM grants, generate_series(1, $1::bigint) i WHERE consent_id = 'con_model'`,
		`INSERT INTO consent_revisions SELECT 'con_' || lpad(i::text, 26, '0'), revision, content, kind, actor_kind, actor_id, why, status, at
			FROM consent_revisions, generate_series(1, $1::bigint) i WHERE consent_id = 'con_model' AND revision = 2`,
		`ANALYZE grants`, `ANALYZE consent_revisions`)
}

// execSQL runs statements as the owner; the first argument of those that have
// one is n.
func execSQL(ctx context.Context, owner string, n int, statements ...string) error {
	db, err := sql.Open("pgx", owner)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	for _, statement := range statements {
		var args []any
		if strings.Contains(statement, "$1") {
			args = append(args, n)
		}
		if _, err := db.ExecContext(ctx, statement, args...); err != nil {
			return fmt.Errorf("%.40s: %w", statement, err)
		}
	}
	return nil
}

// round looks every grant of the working set up, and answers what one takes:
// the mean in the process, where one is too short to time, else the median.
func (s *shelf) round(ctx context.Context, from string) (time.Duration, error) {
	find := s.cache.Grant
	if from == "sql" {
		find = s.cache.Newest
	}
	// What is not measured first fills what is.
	if _, err := s.lookUp(ctx, s.cache.Grant, 1); err != nil {
		return 0, err
	}
	if from == "process" {
		const repeat = 200
		began := time.Now()
		_, err := s.lookUp(ctx, find, repeat)
		return time.Since(began) / time.Duration(repeat*len(s.ids)), err
	}
	time.Sleep(200 * time.Millisecond) // for Redis to have them
	before := s.cache.Stats()
	s.cache.Begin(nil)
	took, err := s.lookUp(ctx, find, 1)
	if err != nil {
		return 0, err
	}
	if found := s.cache.Stats().Shared - before.Shared; from == "redis" && found < lookupWorkingSet*9/10 {
		return 0, fmt.Errorf("only %d of %d were found in Redis", found, lookupWorkingSet)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func (s *shelf) lookUp(ctx context.Context, find func(context.Context, consent.ID) (consent.Grant, error), repeat int) ([]time.Duration, error) {
	took := make([]time.Duration, len(s.ids))
	for range repeat {
		for i, id := range s.ids {
			began := time.Now()
			if _, err := find(ctx, id); err != nil {
				return nil, fmt.Errorf("look up: %w", err)
			}
			took[i] = time.Since(began)
		}
	}
	return took, nil
}

func (s *shelf) close(server string) {
	_ = s.redis.Close()
	_ = s.db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = execSQL(ctx, server, 0, `DROP DATABASE `+s.name+` WITH (FORCE)`)
}
