package grantdb

import (
	"context"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/sqldb"
)

const selectDue = `
SELECT consent_id FROM grants
WHERE status IN ('PENDING', 'PARTIALLY_AUTHORIZED', 'ACTIVE', 'PAUSED', 'SUSPENDED') AND look_at <= $1
ORDER BY created_at, consent_id LIMIT $2`

// Due lists consents that time may have something to do with.
func (s *Store) Due(ctx context.Context, at time.Time, limit int) ([]consent.ID, error) {
	return s.ids(ctx, selectDue, at.UnixMilli(), limit)
}

// Postpone notes when to look at a consent again.
func (s *Store) Postpone(ctx context.Context, id consent.ID, revision int64, until time.Time) error {
	err := s.db.Batch(ctx, []*sqldb.Statement{{
		Text: `UPDATE grants SET look_at = $1 WHERE consent_id = $2 AND version = $3`,
		Args: []any{until.UnixMilli(), string(id), revision},
	}})
	if err != nil {
		return fmt.Errorf("postpone: %w", err)
	}
	return nil
}
