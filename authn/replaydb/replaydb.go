package replaydb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"sluice/sqldb"
)

// sweepChunk is how many rows are removed in one transaction, so that nobody
// waits long behind a sweep.
const sweepChunk = 2000

// Store is a replay.Store in SQL.
type Store struct {
	db     *sqldb.DB
	remove string
}

// New keeps uses in db.
func New(db *sqldb.DB) *Store {
	over := ` FROM replay_uses WHERE kept_until < $1 AND kept_until < ` + db.Clock()
	return &Store{
		db:     db,
		remove: `DELETE FROM replay_uses WHERE id IN (SELECT id` + over + ` LIMIT $2)`,
	}
}

// Use notes a use; it is fresh if no row of its key is there, over or not.
func (s *Store) Use(ctx context.Context, key string, until time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(key))
	var one int64
	insert := &sqldb.Statement{
		Text: `INSERT INTO replay_uses (id, kept_until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING 1`,
		Args: []any{hex.EncodeToString(sum[:]), until.UnixMilli()},
		Into: []any{&one},
	}
	if err := s.db.Batch(ctx, []*sqldb.Statement{insert}); err != nil {
		return false, fmt.Errorf("note use: %w", err)
	}
	return insert.Found, nil
}

// Sweep removes what need not be kept at an instant, and says how much it was.
func (s *Store) Sweep(ctx context.Context, at time.Time) (int, error) {
	removed := 0
	for {
		var n int64
		err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
			gone, err := tx.ExecContext(ctx, s.remove, at.UnixMilli(), sweepChunk)
			if err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			n, err = gone.RowsAffected()
			return err //nolint:wrapcheck // wrapped below
		})
		if err != nil {
			return removed, fmt.Errorf("remove old uses: %w", err)
		}
		removed += int(n)
		if n < sweepChunk {
			return removed, nil
		}
	}
}
