package feeddb

import (
	"context"
	"database/sql"
	"fmt"

	"sluice/consent"
	"sluice/sqldb"
)

const (
	ownShards     = `SELECT s.shard, coalesce(CAST($3 AS BIGINT), {clock}) FROM feed_shards s WHERE s.partner = $1 AND s.consumer = $2 ORDER BY s.shard`
	freeShards    = `UPDATE feed_shards SET consumer = '', leased_until = 0 WHERE partner = $1 AND consumer = $2`
	forgetConsume = `DELETE FROM feed_consumers WHERE partner = $1 AND consumer = $2`
)

// Leave ends a consumer's turn.
func (s *Store) Leave(ctx context.Context, partner consent.PartnerID, consumer string) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		var (
			own []int
			at  int64
		)
		err := read(ctx, tx, "lock own shards", func(r *sql.Rows) error {
			var shard int
			err := r.Scan(&shard, &at)
			own = append(own, shard)
			return err //nolint:wrapcheck // read wraps
		}, s.locking(ownShards, "s"), string(partner), consumer, s.moment())
		if err != nil {
			return err
		}
		for _, shard := range own {
			if _, err := tx.ExecContext(ctx, takeOver, string(partner), shard, at, consumer); err != nil {
				return fmt.Errorf("hand over a shard: %w", err)
			}
		}
		for _, text := range []string{freeShards, forgetConsume} {
			if _, err := tx.ExecContext(ctx, text, string(partner), consumer); err != nil {
				return fmt.Errorf("free shards: %w", err)
			}
		}
		return nil
	})
	s.quiet.end(partner)
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}
