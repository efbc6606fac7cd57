package logdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/sqldb"
)

// Log appends to and reads the table of disclosures. It may be used by many
// goroutines, and must be closed.
type Log struct {
	db       *sqldb.DB
	boot     string
	fence    string
	last     string
	now      func() time.Time
	queue    chan *pending
	outcomes *outcomes
	refusals *refusals
	closing  chan struct{}
	workers  sync.WaitGroup
	apart    sync.WaitGroup
}

// New logs to db, as the replica boot. The clock is the database's: it is read
// when an entry's turn to be written has come, not when it began to wait.
func New(db *sqldb.DB, boot string) *Log { return NewWithClock(db, boot, nil) }

// NewWithClock is New with another clock than the database's.
func NewWithClock(db *sqldb.DB, boot string, now func() time.Time) *Log {
	l := &Log{
		db: db, boot: boot, fence: fenceOf(db), last: lastOf(db), now: now,
		queue: make(chan *pending), closing: make(chan struct{}),
		outcomes: &outcomes{db: db, wake: make(chan struct{}, 1)}, refusals: newRefusals(db),
	}
	n := 1 // SQLite has one writer
	if db.Engine() == sqldb.Postgres {
		n = lanes
	}
	for range n {
		l.workers.Go(l.commitAll)
	}
	l.workers.Go(func() { l.outcomes.writeAll(l.closing) })
	l.workers.Go(func() { l.refusals.writeAll(l.closing) })
	return l
}

// Close waits for what is being written. No call may be under way or follow.
func (l *Log) Close() {
	close(l.closing)
	l.workers.Wait()
	l.apart.Wait()
}

// Outcome notes that a release was withheld after all, or left late. It is
// written soon, not before Outcome returns.
func (l *Log) Outcome(id disclosure.ID, what disclosure.Outcome) { l.outcomes.add(id, what) }

const selectUsage = `
SELECT (SELECT count(*) FROM disclosures WHERE consent_id = $1 AND day = $2 AND counted = 1),
       (SELECT at FROM disclosures WHERE consent_id = $1 ORDER BY seq LIMIT 1)`

// Usage counts a day's accesses and finds the first release ever.
func (l *Log) Usage(ctx context.Context, id consent.ID, day consent.Day) (disclosure.Usage, error) {
	var (
		usage disclosure.Usage
		first sql.NullInt64
	)
	row := l.db.Reader().QueryRowContext(ctx, selectUsage, string(id), int64(day))
	if err := row.Scan(&usage.Unattended, &first); err != nil {
		return disclosure.Usage{}, fmt.Errorf("read usage: %w", err)
	}
	if first.Valid {
		usage.First = time.UnixMilli(first.Int64).UTC()
	}
	return usage, nil
}

// FirstRelease is when a consent was first used; false if it never was.
func (l *Log) FirstRelease(ctx context.Context, id consent.ID) (time.Time, bool, error) {
	var at int64
	row := l.db.Reader().QueryRowContext(ctx, `SELECT at FROM disclosures WHERE consent_id = $1 ORDER BY seq LIMIT 1`, string(id))
	err := row.Scan(&at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, fmt.Errorf("read first release: %w", err)
	}
	return time.UnixMilli(at).UTC(), true, nil
}

const selectRecords = `
SELECT d.seq, d.id, d.consent_id, d.revision, d.partner, d.bank, d.customer, d.method, d.accounts, d.clusters, d.purpose,
       d.unattended, d.continues, d.items, d.policy_revision, d.request_id, d.at, coalesce(o.outcome, '')
FROM disclosures d
LEFT JOIN disclosure_outcomes o ON o.id = d.id
WHERE d.consent_id = $1 AND (CAST($2 AS BIGINT) = 0 OR d.seq < $2)
ORDER BY d.seq DESC LIMIT $3`

// List reads records, newest first.
func (l *Log) List(ctx context.Context, q disclosure.Query) ([]disclosure.Record, error) {
	rows, err := l.db.Reader().QueryContext(ctx, selectRecords, string(q.Consent), q.BeforeSeq, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	defer rows.Close()
	var out []disclosure.Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list disclosures: %w", err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	return out, nil
}

func scan(rows *sql.Rows) (disclosure.Record, error) {
	var (
		r                          disclosure.Record
		accounts, purpose, outcome string
		at                         int64
	)
	if err := rows.Scan(&r.Seq, &r.ID, &r.Consent, &r.Revision, &r.Partner, &r.Bank, &r.Customer, &r.Method, &accounts,
		&r.Clusters, &purpose, &r.Unattended, &r.Continues, &r.Items, &r.PolicyRevision, &r.RequestID, &at, &outcome); err != nil {
		return disclosure.Record{}, fmt.Errorf("read record: %w", err)
	}
	if err := json.Unmarshal([]byte(accounts), &r.Accounts); err != nil {
		return disclosure.Record{}, fmt.Errorf("read accounts of record %s: %w", r.ID, err)
	}
	r.Purpose = consent.Purpose(consentv1.Purpose_value["PURPOSE_"+purpose])
	r.At = time.UnixMilli(at).UTC()
	r.Outcome = disclosure.ParseOutcome(outcome)
	return r, nil
}
