package grantdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sluice/consent"
	"sluice/sqldb"
)

// In each shard, positions are dense and grow in the order of commits, and one
// statement sees what was committed before it began. So what it finds behind a
// position is all there will ever be up to the last one found. The order of
// shards is that of a consent's changes too: those of a consent that nobody has
// authorized are in shard 0, all others of it in its customer's.
//
// In every shard it reads no more than the limit, by the party's index. %[1]s is
// the column of the party, and $2 the positions of all shards as a JSON list.
const (
	eventsSQLite = `
WITH read AS MATERIALIZED (
    SELECT s.key AS shard, s.value AS pos, coalesce((
        SELECT x.pos FROM grant_changes x
        WHERE x.%[1]s = $1 AND x.shard = s.key AND x.pos > s.value
        ORDER BY x.pos LIMIT 1 OFFSET $3 - 1), 9223372036854775807) AS last
    FROM json_each($2) s),
next AS MATERIALIZED (
    SELECT c.shard, c.pos, c.consent_id, c.version
    FROM read CROSS JOIN grant_changes c INDEXED BY grant_changes_by_%[1]s
    ON c.%[1]s = $1 AND c.shard = read.shard AND c.pos > read.pos AND c.pos <= read.last
    ORDER BY c.shard, c.pos LIMIT $3)` + eventsFound
	eventsPostgres = `
WITH next AS MATERIALIZED (
    SELECT c.shard, c.pos, c.consent_id, c.version
    FROM json_array_elements_text(CAST($2 AS JSON)) WITH ORDINALITY AS s (pos, nth)
    CROSS JOIN LATERAL (
        SELECT x.shard, x.pos, x.consent_id, x.version FROM grant_changes x
        WHERE x.%[1]s = $1 AND x.shard = s.nth - 1 AND x.pos > CAST(s.pos AS BIGINT)
        ORDER BY x.pos LIMIT $3) c
    ORDER BY c.shard, c.pos LIMIT $3)` + eventsFound
	eventsFound = `
SELECT n.shard, n.pos, r.consent_id, r.revision, r.kind, r.actor_kind, r.actor_id, r.why, r.status, r.at
FROM next n JOIN consent_revisions r ON r.consent_id = n.consent_id AND r.revision = n.version
ORDER BY n.shard, n.pos`
)

// Events reads changes.
func (s *Store) Events(ctx context.Context, q consent.EventQuery) ([]consent.Change, consent.Cursor, error) {
	text, party, column := eventsSQLite, string(q.Partner), "partner"
	if s.db.Engine() == sqldb.Postgres {
		text = eventsPostgres
	}
	if q.Partner == "" {
		party, column = string(q.Bank), "bank"
	}
	read, err := positions(q.After)
	if err != nil {
		return nil, consent.Cursor{}, err
	}
	rows, err := s.db.Reader().QueryContext(ctx, strings.ReplaceAll(text, "%[1]s", column), party, read, q.Limit)
	if err != nil {
		return nil, consent.Cursor{}, fmt.Errorf("read events: %w", err)
	}
	defer rows.Close()
	var (
		out  []consent.Change
		past []consent.Position
	)
	for rows.Next() {
		var (
			kind, actor, why, status string
			at                       int64
			ch                       consent.Change
			p                        consent.Position
			names                    namer
		)
		if err := rows.Scan(&p.Shard, &p.Pos, &ch.Consent, &ch.Revision, &kind, &actor, &ch.Actor.ID, &why, &status, &at); err != nil {
			return nil, consent.Cursor{}, fmt.Errorf("read event: %w", err)
		}
		ch.At = time.UnixMilli(at).UTC()
		if names.change(&ch, kind, actor, why, status); names.unknown != "" {
			return nil, consent.Cursor{}, fmt.Errorf("read event: unknown name %q", names.unknown)
		}
		out, past = append(out, ch), append(past, p)
	}
	if err := rows.Err(); err != nil {
		return nil, consent.Cursor{}, fmt.Errorf("read events: %w", err)
	}
	return out, q.After.Past(past...), nil
}

// positions is a JSON list of the positions in all shards.
func positions(c consent.Cursor) (string, error) {
	all := make([]int64, consent.Shards)
	for shard := range all {
		all[shard] = c.At(int64(shard))
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return string(raw), nil
}
