package alertdb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"sluice/alert"
	"sluice/consent"
	"sluice/disclosure"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/mutant"
	"sluice/sqldb"
)

// Store is an alert.Store in SQL.
type Store struct {
	db        *sqldb.DB
	now       func() time.Time // nil: the database's clock
	keep, due string
	settle    string
	postpone  string
}

// New keeps answers in db.
func New(db *sqldb.DB) *Store { return NewWithClock(db, nil) }

// NewWithClock is New with another clock than the database's.
func NewWithClock(db *sqldb.DB, now func() time.Time) *Store {
	skip := ""
	if db.Engine() == sqldb.Postgres {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	return &Store{
		db: db, now: now,
		keep:     fmt.Sprintf(insertFenced, db.Clock()),
		due:      fmt.Sprintf(takeDue, db.Clock(), skip),
		settle:   fmt.Sprintf(settleKept, db.Clock()),
		postpone: fmt.Sprintf(postponeKept, db.Clock()),
	}
}

// insertFenced inserts the answer if the grant is still as the gate saw it. What
// it inserts about the parties comes from the grant row.
const insertFenced = `
INSERT INTO alert_answers (id, bank, account, alert, consent_id, revision, partner, customer, choice, hash, sealed,
                           expires_at, state, status, attempts, due_at, kept_at, settled_at)
SELECT $1, g.bank, $2, $3, g.consent_id, g.version, g.partner, g.customer, CAST($4 AS BIGINT), $5, $6,
       CAST($7 AS BIGINT), 'KEPT', 0, 1, t.now + CAST($8 AS BIGINT), t.now, 0
FROM grants g
JOIN parties p ON p.kind = 'partner' AND p.id = g.partner AND p.standing = 'ACTIVE'
JOIN parties b ON b.kind = 'bank' AND b.id = g.bank AND b.standing = 'ACTIVE'
CROSS JOIN (SELECT coalesce(CAST($9 AS BIGINT), %s) AS now) t
WHERE g.consent_id = $10
  AND g.version = CAST($11 AS BIGINT)
  AND g.digest = $12
  AND g.status = 'ACTIVE'
  AND g.valid_until > t.now
  AND (CAST($7 AS BIGINT) = 0 OR CAST($7 AS BIGINT) > t.now)
  AND (g.one_time = 0
       OR NOT EXISTS (SELECT 1 FROM disclosures d WHERE d.consent_id = g.consent_id AND d.at <= t.now - CAST($13 AS BIGINT)))
ON CONFLICT (bank, account, alert) DO NOTHING
RETURNING kept_at`

// The locks of a record of a release, for the same reasons; see
// disclosure/logdb.
const (
	boundLocks  = `SET LOCAL lock_timeout = '1s'`
	lockParties = `LOCK TABLE parties IN ROW SHARE MODE`
	lockGrant   = `SELECT consent_id FROM grants WHERE consent_id = $1 FOR NO KEY UPDATE`
)

// Keep keeps the first answer to an alert under the fence.
func (s *Store) Keep(ctx context.Context, a alert.Answer, under consent.Grant, lease time.Duration) (alert.Answer, bool, error) {
	digest := under.Digest()
	var kept int64
	insert := &sqldb.Statement{
		Text: s.keep,
		Args: []any{
			string(a.ID), string(a.Subject.Account), a.Subject.Alert, int64(a.Choice), hex.EncodeToString(a.Hash[:]), a.Sealed,
			millis(a.Expiry), lease.Milliseconds(), s.moment(), string(under.ID()), under.Revision(), digest[:],
			disclosure.OneTimeSitting.Milliseconds(),
		},
		Into: []any{&kept},
	}
	statements := []*sqldb.Statement{insert}
	if s.db.Engine() == sqldb.Postgres && !mutant.Is(mutant.AnswerUnlocked) {
		statements = []*sqldb.Statement{
			{Text: boundLocks},
			{Text: lockParties},
			{Text: lockGrant, Args: []any{string(under.ID())}},
			insert,
		}
	}
	if err := s.db.Batch(ctx, statements); err != nil {
		return alert.Answer{}, false, fmt.Errorf("keep answer: %w", err)
	}
	if insert.Found {
		a.State, a.Attempts, a.KeptAt = alert.Kept, 1, time.UnixMilli(kept).UTC()
		return a, true, nil
	}
	first, found, err := s.Find(ctx, a.Subject)
	switch {
	case err != nil:
		return alert.Answer{}, false, err
	case !found:
		return alert.Answer{}, false, fmt.Errorf("keep answer: %w", alert.ErrGrantChanged)
	}
	return first, false, nil
}

const columns = `id, bank, account, alert, consent_id, revision, partner, customer, choice, hash, sealed, expires_at, state, status, attempts, kept_at`

const selectOne = `SELECT ` + columns + ` FROM alert_answers WHERE bank = $1 AND account = $2 AND alert = $3`

// Find is the answer to an alert.
func (s *Store) Find(ctx context.Context, of alert.Subject) (alert.Answer, bool, error) {
	a, err := scan(s.db.Reader().QueryRowContext(ctx, selectOne, string(of.Bank), string(of.Account), of.Alert))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return alert.Answer{}, false, nil
	case err != nil:
		return alert.Answer{}, false, fmt.Errorf("find answer: %w", err)
	}
	return a, true, nil
}

func scan(row sqldb.Row) (alert.Answer, error) {
	var (
		a              alert.Answer
		choice, status int32
		hash, state    string
		expires, kept  int64
	)
	if err := row.Scan(&a.ID, &a.Subject.Bank, &a.Subject.Account, &a.Subject.Alert, &a.Consent, &a.Revision, &a.Partner, &a.Customer,
		&choice, &hash, &a.Sealed, &expires, &state, &status, &a.Attempts, &kept); err != nil {
		return alert.Answer{}, err //nolint:wrapcheck // the caller tells absence apart and wraps
	}
	is, known := alert.ParseState(state)
	if n, err := hex.Decode(a.Hash[:], []byte(hash)[:min(len(hash), 2*len(a.Hash))]); err != nil || n != len(a.Hash) || !known {
		return alert.Answer{}, fmt.Errorf("read answer %s: %w", a.ID, errRow)
	}
	a.State, a.Choice, a.Status = is, datav1.AlertChoice(choice), datav1.AlertStatus(status)
	a.KeptAt = time.UnixMilli(kept).UTC()
	if expires != 0 {
		a.Expiry = time.UnixMilli(expires).UTC()
	}
	return a, nil
}

// errRow means that a row says what no program of this schema writes.
var errRow = errors.New("unknown content")

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is null where the database's own clock counts.
func (s *Store) moment() sql.NullInt64 {
	if s.now == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: s.now().UnixMilli(), Valid: true}
}
