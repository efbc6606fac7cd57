package feeddb_test

import (
	"bytes"
	"database/sql"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

var grants = flag.Int("grants", 20_000, "how many live consents the partner has that is compared with one of 1,000")

// few is how many consents the partner has that another is compared with.
const few = 1000

// What publishing costs must not depend on how many live consents a partner has:
// the bank and the events are the same, and the ratio is of many consents to few.
// spread-ratio is the same where events are of all accounts that many consents are
// for: that is of how much a busy bank's accounts are, whoever hears of them. All
// take turns, so that whatever else the machine does hits each.
func BenchmarkPublishByConsents(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) (db *sqldb.DB, settle func())
	}{{"sqlite", sqlite}, {"postgres", postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			crowd := max(*grants/few, 1) * few
			alone, among := bankOf(b, engine.open, crowd, few), bankOf(b, engine.open, crowd, crowd)
			for _, batch := range []int{1, 100} {
				b.Run(fmt.Sprintf("consents=%d/batch=%d", crowd, batch), func(b *testing.B) {
					for b.Loop() {
						var base, same, spread []float64
						for range 21 {
							base = append(base, alone.round(b, batch, few))
							same = append(same, among.round(b, batch, few))
							spread = append(spread, among.round(b, batch, crowd))
						}
						b.ReportMetric(median(base), "µs/event-of-few")
						b.ReportMetric(median(same), "µs/event")
						b.ReportMetric(median(same)/median(base), "ratio")
						b.ReportMetric(median(spread)/median(base), "spread-ratio")
					}
				})
			}
		})
	}
}

func sqlite(t testing.TB) (db *sqldb.DB, settle func()) {
	t.Helper()
	return sqldbtest.SQLite(t), func() {}
}

// postgres is opened with its owner's rights, who may have what was filled in at
// once tidied up, as the server does by itself in time.
func postgres(t testing.TB) (db *sqldb.DB, settle func()) {
	t.Helper()
	url := sqldbtest.CreateAsOwner(t)
	db, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: url, SingleNode: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, func() {
		pool, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if _, err := pool.ExecContext(t.Context(), `VACUUM ANALYZE`); err != nil {
			t.Fatal(err)
		}
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// publisher is a bank some of whose accounts, evenly, are shared with one partner.
type publisher struct {
	store *feeddb.Store
	n     int
	next  []int64
}

func bankOf(b *testing.B, open func(testing.TB) (*sqldb.DB, func()), accounts, consents int) *publisher {
	b.Helper()
	db, settle := open(b)
	const atOnce = 20_000 // a statement must not take long
	for from := 0; from < accounts; from += atOnce {
		numbers := fmt.Sprintf(`(WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n WHERE i %% %d = 0) AS n`,
			from, min(from+atOnce, accounts)-1, accounts/consents)
		all := strings.Replace(numbers, fmt.Sprintf("%% %d = 0", accounts/consents), "% 1 = 0", 1)
		for _, s := range []string{
			`INSERT INTO grants (consent_id, version, status, digest, partner, bank, customer, shard, created_at, valid_until,
				one_time, unattended_per_day, fenced_version, look_at)
				SELECT 'con_' || i, 2, 'ACTIVE', CAST('digest' AS BYTEA), 'p', 'b', 'u' || i, i % 255 + 1, i, 9000000000000, 0, 4, 2, 9000000000000 FROM ` + numbers,
			`INSERT INTO consent_revisions (consent_id, revision, content, kind, actor_kind, actor_id, why, status, at)
				SELECT 'con_' || i, 2, '{"shares":[{"account":"a' || i || '","clusters":["BALANCES"]}]}', 'AUTHORIZE', 'CUSTOMER', 'u' || i, '', 'ACTIVE', i FROM ` + numbers,
			`INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until, revision)
				SELECT 'b', 'a' || i, 'con_' || i, 'p', 8, 1, 9000000000000, 2 FROM ` + numbers,
			`INSERT INTO feed_accounts (bank, account, sequence, ahead) SELECT 'b', 'a' || i, 0, 0 FROM ` + all,
		} {
			err := db.Transact(b.Context(), func(tx sqldb.Tx) error {
				_, err := tx.ExecContext(b.Context(), s)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	settle()
	return &publisher{store: feeddb.New(db, time.Now), next: make([]int64, accounts)}
}

// round publishes some batches of so many accounts and has them taken, and answers
// what publishing took for each event.
func (p *publisher) round(b *testing.B, batch, accounts int) float64 {
	b.Helper()
	const least = 8
	var took time.Duration
	for range least {
		events := p.events(batch, accounts)
		began := time.Now()
		if got, err := p.store.Publish(b.Context(), "b", events); err != nil || len(got.Partners) != 1 || len(got.Rejections) > 0 {
			b.Fatalf("Publish: %+v, %v", got, err)
		}
		took += time.Since(began)
		p.take(b, batch)
	}
	return float64(took.Nanoseconds()) / 1000 / float64(least*batch)
}

// events are of accounts all over the bank.
func (p *publisher) events(batch, accounts int) []feed.Event {
	var events []feed.Event
	for range batch {
		a := p.n * 7919 % accounts * (len(p.next) / accounts)
		p.n++
		p.next[a]++
		events = append(events, feed.Event{
			Bank: "b", Account: consent.AccountID(fmt.Sprint("a", a)), Sequence: p.next[a], Kind: feed.BalanceChanged,
			Answer: bytes.Repeat([]byte("x"), 300), OccurredAt: time.UnixMilli(0),
		})
	}
	return events
}

func (p *publisher) take(b *testing.B, batch int) {
	b.Helper()
	due, err := p.store.Due(b.Context(), "p", "c", feed.Room{Events: batch})
	if err != nil || len(due) != batch {
		b.Fatalf("Due: %d, %v", len(due), err)
	}
	var acks []feed.Ack
	for _, d := range due {
		acks = append(acks, feed.Ack{Shard: d.Shard, Pos: d.Pos})
	}
	if err := p.store.Acknowledge(b.Context(), "p", "c", acks); err != nil {
		b.Fatal(err)
	}
}
