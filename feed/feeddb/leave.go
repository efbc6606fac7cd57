package feeddb

import (
	"context"
	"database/sql"
	"fmt"

	"sluice/consent"
	"sluice/sqldb"
)

const (
	// Its own, and those it let go of in which it has something out.
	shardsInHand = `
SELECT s.shard FROM feed_shards s
WHERE s.partner = $1 AND (s.consumer = $2 OR EXISTS (
    SELECT 1 FROM feed_deliveries d
    WHERE d.partner = s.partner AND d.shard = s.shard AND d.head = 1
      AND d.due_at > (SELECT coalesce(CAST($3 AS BIGINT), {clock})) AND d.consumer = $2))
ORDER BY s.shard`
	handOver = `
UPDATE feed_deliveries SET due_at = (SELECT coalesce(CAST($3 AS BIGINT), {clock})), consumer = ''
WHERE partner = $1 AND head = 1 AND due_at > (SELECT coalesce(CAST($3 AS BIGINT), {clock})) AND consumer = $2
  AND shard IN (SELECT s.shard FROM feed_shards s WHERE s.partner = $1)`
	freeShards    = `UPDATE feed_shards SET consumer = '', leased_until = 0 WHERE partner = $1 AND consumer = $2`
	forgetConsume = `DELETE FROM feed_consumers WHERE partner = $1 AND consumer = $2`
)

// Leave ends a consumer's turn.
func (s *Store) Leave(ctx context.Context, partner consent.PartnerID, consumer string) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		err := read(ctx, tx, "lock shards in hand", func(*sql.Rows) error { return nil },
			s.locking(shardsInHand, "s"), string(partner), consumer, s.moment())
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, s.text(handOver), string(partner), consumer, s.moment()); err != nil {
			return fmt.Errorf("hand over what is out: %w", err)
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
