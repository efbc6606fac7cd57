package feeddb

import (
	"context"
	"database/sql"
	"fmt"

	"sluice/consent"
	"sluice/feed"
)

const selectBacklog = `
SELECT (SELECT count(*) FROM (SELECT 1 FROM feed_deliveries w WHERE w.partner = $1 LIMIT $2) AS waiting),
       (SELECT min(first.published_at) FROM (
           SELECT (SELECT d.published_at FROM feed_deliveries d
                   WHERE d.partner = s.partner AND d.shard = s.shard ORDER BY d.pos LIMIT 1) AS published_at
           FROM feed_shards s WHERE s.partner = $1) AS first),
       coalesce(CAST($3 AS BIGINT), {clock}),
       (SELECT count(*) FROM (SELECT 1 FROM feed_dead p WHERE p.partner = $1 LIMIT $2) AS aside)`

// Backlog says what a partner has not taken.
func (s *Store) Backlog(ctx context.Context, partner consent.PartnerID) (feed.Backlog, error) {
	var (
		b      feed.Backlog
		oldest sql.NullInt64
		at     int64
	)
	err := s.db.Reader().QueryRowContext(ctx, s.text(selectBacklog), string(partner), feed.MostCounted, s.moment()).
		Scan(&b.Waiting, &oldest, &at, &b.PutAside)
	if err != nil {
		return feed.Backlog{}, fmt.Errorf("read backlog: %w", err)
	}
	if oldest.Valid {
		b.Age = max(0, instant(at).Sub(instant(oldest.Int64)))
	}
	return b, nil
}
