package feeddb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/sqldb"
)

// Store is a feed.Store in SQL.
type Store struct {
	db    *sqldb.DB
	local func() time.Time
	now   func() time.Time // nil: the database's clock
	quiet quiet
}

// New keeps feeds in db, by the database's clock. local measures how long ago
// this process asked, and nothing else.
func New(db *sqldb.DB, local func() time.Time) *Store { return &Store{db: db, local: local} }

// NewWithClock is New with another clock than the database's.
func NewWithClock(db *sqldb.DB, now func() time.Time) *Store {
	return &Store{db: db, local: now, now: now}
}

// moment is null where the database's own clock counts.
func (s *Store) moment() sql.NullInt64 {
	if s.now == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: s.now().UnixMilli(), Valid: true}
}

// text puts the database's names for things into a statement: its clock for
// {clock}, and what Rows says.
func (s *Store) text(statement string) string {
	return strings.ReplaceAll(s.db.Rows(statement), "{clock}", s.db.Clock())
}

// row is one element of a list that a statement takes in place of {rows}.
type row map[string]any

func list(rows []row) (string, error) {
	raw, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("encode rows: %w", err)
	}
	return string(raw), nil
}

// write executes a statement over rows; none if there are no rows.
func (s *Store) write(ctx context.Context, tx sqldb.Tx, what, text string, rows []row, args ...any) error {
	if len(rows) == 0 {
		return nil
	}
	raw, err := list(rows)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, s.text(text), append([]any{raw}, args...)...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// querier reads, in a transaction or outside.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// read calls scan for each row of an answer.
func read(ctx context.Context, q querier, what string, scan func(*sql.Rows) error, text string, args ...any) error {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// readRows is read for a statement over rows; it reads nothing if there are none.
func (s *Store) readRows(ctx context.Context, q querier, what string, scan func(*sql.Rows) error, text string, rows []row, args ...any) error {
	if len(rows) == 0 {
		return nil
	}
	raw, err := list(rows)
	if err != nil {
		return err
	}
	return read(ctx, q, what, scan, s.text(text), append([]any{raw}, args...)...)
}

// locking adds what locks the rows that a statement reads, where that is not
// the whole database.
func (s *Store) locking(text, of string) string {
	text = s.text(text)
	if s.db.Engine() == sqldb.Postgres {
		return text + " FOR UPDATE OF " + of
	}
	return text
}

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// kinds are the names of kinds, as SQL has them.
func kindOf(name string) (feed.Kind, error) {
	for k := feed.TransactionPosted; k <= feed.AccountWithdrawn; k++ {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("kind %q: %w", name, errUnknown)
}

const addCount = `
INSERT INTO feed_counts (party, day, what, count)
SELECT CAST($2 AS TEXT), CAST($3 AS BIGINT), r.value ->> 'what', CAST(r.value ->> 'n' AS BIGINT) FROM {rows} WHERE true
ON CONFLICT (party, day, what) DO UPDATE SET count = feed_counts.count + excluded.count`

// count notes how often something happened; it comes last in a transaction.
func (s *Store) count(ctx context.Context, tx sqldb.Tx, party string, at time.Time, counts map[string]int) error {
	var rows []row
	for _, what := range sorted(counts) {
		rows = append(rows, row{"what": what, "n": counts[what]})
	}
	return s.write(ctx, tx, "count", addCount, rows, party, int64(consent.DayOf(at)))
}

// Counts says what was rejected or dropped.
func (s *Store) Counts(ctx context.Context, party string, day consent.Day) (map[string]int, error) {
	out := map[string]int{}
	err := read(ctx, s.db.Reader(), "read counts", func(r *sql.Rows) error {
		var (
			what string
			n    int
		)
		err := r.Scan(&what, &n)
		out[what] = n
		return err //nolint:wrapcheck // read wraps
	}, `SELECT what, count FROM feed_counts WHERE party = $1 AND day = $2`, party, int64(day))
	return out, err
}
