package alertdb

import (
	"context"
	"fmt"
	"time"

	"sluice/alert"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/mutant"
	"sluice/sqldb"
)

// takeDue gives each answer to one of those who ask.
const takeDue = `
UPDATE alert_answers
SET attempts = attempts + 1, due_at = coalesce(CAST($1 AS BIGINT), %[1]s) + CAST($2 AS BIGINT)
WHERE id IN (SELECT id FROM alert_answers
             WHERE state = 'KEPT' AND due_at <= coalesce(CAST($1 AS BIGINT), %[1]s)
             ORDER BY due_at LIMIT $3%[2]s)
RETURNING ` + columns

// Due takes answers that wait for the bank, for the length of lease.
func (s *Store) Due(ctx context.Context, limit int, lease time.Duration) ([]alert.Answer, error) {
	var out []alert.Answer
	if mutant.Is(mutant.AnswerUnleased) {
		lease = 0
	}
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		out = nil
		rows, err := tx.QueryContext(ctx, s.due, s.moment(), lease.Milliseconds(), limit)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scan(rows)
			if err != nil {
				return err
			}
			out = append(out, a)
		}
		return rows.Err() //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return nil, fmt.Errorf("take answers that are due: %w", err)
	}
	return out, nil
}

const settleKept = `
UPDATE alert_answers
SET state = $1, status = CAST($2 AS BIGINT), sealed = '', settled_at = coalesce(CAST($3 AS BIGINT), %s)
WHERE id = $4 AND state = 'KEPT'`

// Settle ends an answer that is kept, and erases the confirmation.
func (s *Store) Settle(ctx context.Context, id alert.ID, to alert.State, status datav1.AlertStatus) error {
	return s.change(ctx, "settle answer", s.settle, to.String(), int64(status), s.moment(), string(id))
}

const postponeKept = `
UPDATE alert_answers SET due_at = coalesce(CAST($1 AS BIGINT), %s) + CAST($2 AS BIGINT) WHERE id = $3 AND state = 'KEPT'`

// Postpone makes an answer that is kept due after so long.
func (s *Store) Postpone(ctx context.Context, id alert.ID, wait time.Duration) error {
	return s.change(ctx, "postpone answer", s.postpone, s.moment(), wait.Milliseconds(), string(id))
}

func (s *Store) change(ctx context.Context, what, text string, args ...any) error {
	if err := s.db.Batch(ctx, []*sqldb.Statement{{Text: text, Args: args}}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
