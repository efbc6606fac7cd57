package logdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/refusal"
	"sluice/sqldb"
)

const (
	// refusalsEvery is how long refusals are gathered before they are written.
	refusalsEvery = 250 * time.Millisecond
	// refusalsBatch is how many rows one transaction writes at most, so that
	// who has to write something else, like a revoke, waits for few. As many that
	// wait are not gathered any longer.
	refusalsBatch = 200
	// refusalsLimit bounds how many rows wait, while the database is away.
	// Refusals beyond it are counted as dropped and nothing more.
	refusalsLimit   = 10_000
	refusalsTimeout = 2 * time.Second
	// RefusalsKept is for how many days refusals can be read.
	RefusalsKept = 400
)

// refusals counts in the process what consents kept back, and adds it to the
// table in the background. However often a partner is refused, it is one row for
// each consent, day and reason. What was not written yet is lost with the process.
type refusals struct {
	db      *sqldb.DB
	wake    chan struct{} // something waits
	full    chan struct{} // a whole batch waits
	dropped atomic.Int64

	mu      sync.Mutex
	waiting map[refused]tally
}

type refused struct {
	id     consent.ID
	day    consent.Day
	reason refusal.Reason
}

type tally struct {
	count int
	last  time.Time
}

func newRefusals(db *sqldb.DB) *refusals {
	return &refusals{
		db: db, wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		waiting: map[refused]tally{},
	}
}

// Refused counts that a consent kept something back, for the pages its customer
// sees. It is written soon and never waited for. The caller vouches that the
// consent is there, and concerns whoever was refused.
func (l *Log) Refused(id consent.ID, reason refusal.Reason, at time.Time) {
	l.refusals.add(refused{id, consent.DayOf(at), reason}, tally{1, at})
}

// RefusalsDropped is how many refusals were not counted, because too many waited.
func (l *Log) RefusalsDropped() int64 { return l.refusals.dropped.Load() }

func (r *refusals) add(what refused, t tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.waiting[what]
	if !known && len(r.waiting) >= refusalsLimit {
		r.dropped.Add(int64(t.count))
		return
	}
	if before.last.After(t.last) {
		t.last = before.last
	}
	t.count += before.count
	r.waiting[what] = t
	signal(r.wake)
	if len(r.waiting) >= refusalsBatch {
		signal(r.full)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// writeAll writes what waits until closing, and then once more.
func (r *refusals) writeAll(closing <-chan struct{}) {
	defer r.write()
	for {
		select {
		case <-r.wake:
		case <-closing:
			return
		}
		if !pause(r.full, closing) {
			return
		}
		for !r.write() {
			if !pause(nil, closing) {
				return
			}
		}
	}
}

// pause lasts refusalsEvery, or until enough; it is false when closing.
func pause(enough, closing <-chan struct{}) bool {
	over := time.NewTimer(refusalsEvery)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-enough:
		return true
	case <-closing:
		return false
	}
}

// write writes all that waits, one transaction after the other. It says whether
// it could.
func (r *refusals) write() bool {
	r.mu.Lock()
	taken := r.waiting
	r.waiting = make(map[refused]tally)
	r.mu.Unlock()
	// One order for all replicas, so that none waits for another in a circle.
	keys := slices.SortedFunc(maps.Keys(taken), compareRefused)
	for batch := range slices.Chunk(keys, refusalsBatch) {
		err := r.upsert(batch, taken)
		if err != nil && !errors.Is(err, sqldb.ErrOutcomeUnknown) {
			r.putBack(taken)
			return false
		}
		// After an unknown outcome they may be missing, but not counted twice.
		for _, k := range batch {
			delete(taken, k)
		}
	}
	return true
}

func (r *refusals) putBack(left map[refused]tally) {
	for k, t := range left {
		r.add(k, t)
	}
}

func compareRefused(a, b refused) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.day, b.day), cmp.Compare(refusal.Name(a.reason), refusal.Name(b.reason)))
}

const (
	addRefusals = `
INSERT INTO refusals (consent_id, day, reason, count, last_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (consent_id, day, reason) DO UPDATE SET
    count = refusals.count + excluded.count,
    last_at = CASE WHEN excluded.last_at > refusals.last_at THEN excluded.last_at ELSE refusals.last_at END`
	// forgetRefusals takes away more than a batch can add.
	forgetRefusals = `
DELETE FROM refusals WHERE (consent_id, day, reason) IN
    (SELECT consent_id, day, reason FROM refusals WHERE day < $1 ORDER BY day LIMIT 400)`
)

func (r *refusals) upsert(batch []refused, all map[refused]tally) error {
	ctx, cancel := context.WithTimeout(context.Background(), refusalsTimeout)
	defer cancel()
	statements := make([]*sqldb.Statement, len(batch))
	today := consent.NoDay
	for i, k := range batch {
		t := all[k]
		today = max(today, k.day)
		statements[i] = &sqldb.Statement{
			Text: addRefusals,
			Args: []any{string(k.id), int64(k.day), refusal.Name(k.reason), int64(t.count), t.last.UnixMilli()},
		}
	}
	if err := r.db.Batch(ctx, statements); err != nil {
		return err //nolint:wrapcheck // tried again, whatever it was
	}
	// If old rows can't be had now, they can later.
	_ = r.db.Batch(ctx, []*sqldb.Statement{{Text: forgetRefusals, Args: []any{int64(today) - RefusalsKept}}})
	return nil
}

const selectRefusals = `
SELECT day, reason, count, last_at FROM refusals
WHERE consent_id = $1 AND day BETWEEN CAST($2 AS BIGINT) AND CAST($3 AS BIGINT)
ORDER BY day, reason`

// Refusals reads what a consent kept back from a day to another, both included,
// by day and reason. The last moments may be missing.
func (l *Log) Refusals(ctx context.Context, id consent.ID, from, to consent.Day) ([]disclosure.RefusalCount, error) {
	rows, err := l.db.Reader().QueryContext(ctx, selectRefusals, string(id), int64(from), int64(to))
	if err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	defer rows.Close()
	var out []disclosure.RefusalCount
	for rows.Next() {
		var (
			c    disclosure.RefusalCount
			name string
			last int64
		)
		if err := rows.Scan(&c.Day, &name, &c.Count, &last); err != nil {
			return nil, fmt.Errorf("read refusals: %w", err)
		}
		c.Reason, _ = refusal.Parse(name)
		c.Last = time.UnixMilli(last).UTC()
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	return out, nil
}
