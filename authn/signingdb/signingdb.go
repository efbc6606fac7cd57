package signingdb

import (
	"context"
	"fmt"
	"time"

	"sluice/authn/signing"
	"sluice/sqldb"
)

// Store is a signing.Store in SQL.
type Store struct{ db *sqldb.DB }

// New keeps keys in db.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// Keys reads all keys, oldest first.
func (s *Store) Keys(ctx context.Context) ([]signing.Stored, error) {
	rows, err := s.db.Reader().QueryContext(ctx,
		`SELECT id, made_at, sealed, public_key, retired FROM signing_keys ORDER BY made_at, id`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	defer rows.Close()
	var out []signing.Stored
	for rows.Next() {
		var (
			k             signing.Stored
			made, retired int64
		)
		if err := rows.Scan(&k.ID, &made, &k.Sealed, &k.Public, &retired); err != nil {
			return nil, fmt.Errorf("read signing key: %w", err)
		}
		k.Made, k.Retired = time.UnixMilli(made).UTC(), retired != 0
		out = append(out, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	return out, nil
}

// Add keeps a new key.
func (s *Store) Add(ctx context.Context, k signing.Stored) error {
	return s.exec(ctx, "keep signing key",
		`INSERT INTO signing_keys (id, made_at, sealed, public_key, retired) VALUES ($1, $2, $3, $4, 0)`,
		k.ID, k.Made.UnixMilli(), k.Sealed, k.Public)
}

// Retire erases the private half of a key.
func (s *Store) Retire(ctx context.Context, id string) error {
	return s.exec(ctx, "retire signing key", `UPDATE signing_keys SET sealed = '', retired = 1 WHERE id = $1`, id)
}

func (s *Store) exec(ctx context.Context, doing, text string, args ...any) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
