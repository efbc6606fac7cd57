package logdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/sqldb"
)

// Log appends to and reads the table of disclosures.
type Log struct {
	db  *sqldb.DB
	now func() time.Time
}

// New logs to db. now is the clock of the database's side: it is read when the
// entry's turn to be written has come, not when it began to wait.
func New(db *sqldb.DB, now func() time.Time) *Log { return &Log{db: db, now: now} }

// insertFenced is the fence. What it inserts about the parties comes from the
// grant row, so an entry can't name others. In SQLite a statement that writes
// holds the write lock from its first read, so no change can come between.
const insertFenced = `
INSERT INTO disclosures (id, consent_id, revision, partner, bank, customer, shard, method, accounts, clusters,
                         purpose, unattended, counted, continues, items, policy_revision, request_id, day, at)
SELECT @id, g.consent_id, g.version, g.partner, g.bank, g.customer, g.shard, @method, @accounts, @clusters,
       @purpose, @unattended, @counted, @continues, @items, @policy_revision, @request_id, @day, @now
FROM grants g
JOIN parties p ON p.kind = 'partner' AND p.id = g.partner AND p.standing = 'ACTIVE'
JOIN parties b ON b.kind = 'bank' AND b.id = g.bank AND b.standing = 'ACTIVE'
WHERE g.consent_id = @consent_id
  AND g.version = @revision
  AND g.digest = @digest
  AND g.status = 'ACTIVE'
  AND g.valid_until > @now
  AND (NOT @counted
       OR (SELECT count(*) FROM disclosures d
           WHERE d.consent_id = g.consent_id AND d.day = @day AND d.counted = 1) < g.unattended_per_day)
  AND (@counted OR NOT @unattended
       OR EXISTS (SELECT 1 FROM disclosures d
                  WHERE d.id = @continues AND d.consent_id = g.consent_id AND d.day = @day AND d.counted = 1))
  AND (NOT g.one_time
       OR NOT EXISTS (SELECT 1 FROM disclosures d WHERE d.consent_id = g.consent_id AND d.at <= @now - @sitting))`

// Append adds the entry if the grant is still so; else disclosure.ErrGrantChanged.
func (l *Log) Append(ctx context.Context, id disclosure.ID, e disclosure.Entry) (seq int64, at time.Time, err error) {
	accounts, err := json.Marshal(e.Accounts)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("encode accounts: %w", err)
	}
	err = l.db.Write(ctx, func(w *sqldb.Writer) error {
		at = l.now().UTC().Truncate(time.Millisecond)
		// Without RETURNING the statement runs to its end, and a commit that
		// fails is this call's error.
		added, err := w.ExecContext(ctx, insertFenced, arguments(id, e, string(accounts), at)...)
		if err != nil {
			return fmt.Errorf("append disclosure: %w", err)
		}
		n, err := added.RowsAffected()
		if err != nil {
			return fmt.Errorf("append disclosure: %w", err)
		}
		if n == 0 {
			return disclosure.ErrGrantChanged
		}
		if seq, err = added.LastInsertId(); err != nil {
			return fmt.Errorf("append disclosure: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	return seq, at, nil
}

func arguments(id disclosure.ID, e disclosure.Entry, accounts string, at time.Time) []any {
	digest := e.Grant.Digest()
	return []any{
		sql.Named("id", string(id)),
		sql.Named("consent_id", string(e.Grant.ID())),
		sql.Named("revision", e.Grant.Revision()),
		sql.Named("digest", digest[:]),
		sql.Named("method", e.Method),
		sql.Named("accounts", accounts),
		sql.Named("clusters", int64(e.Clusters)),
		sql.Named("purpose", consent.PurposeName(e.Purpose)),
		sql.Named("unattended", e.Unattended),
		sql.Named("counted", e.Unattended && e.Continues == ""),
		sql.Named("continues", string(e.Continues)),
		sql.Named("items", e.Items),
		sql.Named("policy_revision", e.PolicyRevision),
		sql.Named("request_id", e.RequestID),
		sql.Named("day", int64(consent.DayOf(at))),
		sql.Named("now", at.UnixMilli()),
		sql.Named("sitting", disclosure.OneTimeSitting.Milliseconds()),
	}
}

const selectUsage = `
SELECT (SELECT count(*) FROM disclosures WHERE consent_id = ?1 AND day = ?2 AND counted = 1),
       (SELECT at FROM disclosures WHERE consent_id = ?1 ORDER BY seq LIMIT 1)`

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
	row := l.db.Reader().QueryRowContext(ctx, `SELECT at FROM disclosures WHERE consent_id = ? ORDER BY seq LIMIT 1`, string(id))
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
SELECT seq, id, consent_id, revision, partner, bank, customer, method, accounts, clusters, purpose,
       unattended, continues, items, policy_revision, request_id, at
FROM disclosures
WHERE consent_id = ?1 AND (?2 = 0 OR seq < ?2)
ORDER BY seq DESC LIMIT ?3`

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
		r                 disclosure.Record
		accounts, purpose string
		at                int64
	)
	if err := rows.Scan(&r.Seq, &r.ID, &r.Consent, &r.Revision, &r.Partner, &r.Bank, &r.Customer, &r.Method, &accounts,
		&r.Clusters, &purpose, &r.Unattended, &r.Continues, &r.Items, &r.PolicyRevision, &r.RequestID, &at); err != nil {
		return disclosure.Record{}, fmt.Errorf("read record: %w", err)
	}
	if err := json.Unmarshal([]byte(accounts), &r.Accounts); err != nil {
		return disclosure.Record{}, fmt.Errorf("read accounts of record %s: %w", r.ID, err)
	}
	r.Purpose = consent.Purpose(consentv1.Purpose_value["PURPOSE_"+purpose])
	r.At = time.UnixMilli(at).UTC()
	return r, nil
}
