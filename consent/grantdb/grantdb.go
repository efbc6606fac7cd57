package grantdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"sluice/consent"
	"sluice/sqldb"
)

// shards is how many shards customers are spread over; shard 0 is for consents
// that no customer has authorized yet.
const shards = consent.Shards - 1

// Store is a consent.Store in SQL.
type Store struct{ db *sqldb.DB }

// New keeps consents in db.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

const insertGrant = `
INSERT INTO grants (consent_id, version, status, digest, partner, bank, customer, shard,
                    created_at, valid_until, one_time, unattended_per_day, fenced_version, look_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

// Create keeps the first revision.
func (s *Store) Create(ctx context.Context, c consent.Consent, ch consent.Change) error {
	text, err := encode(c)
	if err != nil {
		return err
	}
	digest := c.Grant().Digest()
	err = s.db.Batch(ctx, slices.Concat([]*sqldb.Statement{
		{Text: insertGrant, Args: []any{
			string(c.ID), c.Revision, consent.StatusName(c.Status), digest[:], string(c.Partner), string(c.Bank),
			string(c.Customer), shardOf(c), c.CreatedAt.UnixMilli(), c.ValidUntil.UnixMilli(),
			sqldb.Bool(c.Asked.OneTime), c.Asked.UnattendedPerDay, c.FencedRevision, c.NextLook().UnixMilli(),
		}},
		revision(c, ch, text),
	}, coHolders(c), s.change(c, ch)))
	if errors.Is(err, sqldb.ErrTaken) {
		err = errors.Join(consent.ErrExists, err)
	}
	if err != nil {
		return fmt.Errorf("create consent: %w", err)
	}
	return nil
}

const updateGrant = `
UPDATE grants
SET version = $1, status = $2, digest = $3, customer = $4, shard = $5, valid_until = $6, look_at = $10,
    fenced_version = CASE WHEN fenced_version > $7 THEN fenced_version ELSE $7 END
WHERE consent_id = $8 AND version = $9
RETURNING version`

// Replace keeps the next revision. The grant row changes in the same
// transaction, so that no release under the old one can be recorded after it.
// Of two who make the same revision, the key of the history lets one in.
func (s *Store) Replace(ctx context.Context, c consent.Consent, ch consent.Change) error {
	text, err := encode(c)
	if err != nil {
		return err
	}
	digest := c.Grant().Digest()
	var named []*sqldb.Statement
	if ch.Kind == consent.KindAuthorize {
		named = coHolders(c)
	}
	shared, err := s.shared(c, ch)
	if err != nil {
		return err
	}
	err = s.db.Batch(ctx, slices.Concat([]*sqldb.Statement{
		revision(c, ch, text),
		{Text: updateGrant, Must: true, Args: []any{
			c.Revision, consent.StatusName(c.Status), digest[:], string(c.Customer), shardOf(c), c.ValidUntil.UnixMilli(),
			c.FencedRevision, string(c.ID), c.Revision - 1, c.NextLook().UnixMilli(),
		}},
	}, named, shared, s.change(c, ch)))
	if errors.Is(err, sqldb.ErrTaken) || errors.Is(err, sqldb.ErrNoRow) {
		err = s.missed(ctx, c.ID)
	}
	if err != nil {
		return fmt.Errorf("replace consent: %w", err)
	}
	return nil
}

// Fenced notes up to which revision the barrier was passed. The note need not
// survive a crash: without it the barrier is passed again.
func (s *Store) Fenced(ctx context.Context, id consent.ID, revision int64) error {
	statements := []*sqldb.Statement{{
		Text: `UPDATE grants SET fenced_version = $1 WHERE consent_id = $2 AND fenced_version < $1`,
		Args: []any{revision, string(id)},
	}}
	if s.db.Engine() == sqldb.Postgres {
		statements = append([]*sqldb.Statement{{Text: `SET LOCAL synchronous_commit = off`}}, statements...)
	}
	if err := s.db.Batch(ctx, statements); err != nil {
		return fmt.Errorf("note the barrier: %w", err)
	}
	return nil
}

// missed says why there was no row at the revision expected.
func (s *Store) missed(ctx context.Context, id consent.ID) error {
	var version int64
	err := s.db.Reader().QueryRowContext(ctx, `SELECT version FROM grants WHERE consent_id = $1`, string(id)).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return consent.ErrNotFound
	case err != nil:
		return fmt.Errorf("read revision: %w", err)
	}
	return consent.ErrConflict
}

const insertRevision = `
INSERT INTO consent_revisions (consent_id, revision, content, kind, actor_kind, actor_id, why, status, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

func revision(c consent.Consent, ch consent.Change, text string) *sqldb.Statement {
	return &sqldb.Statement{Text: insertRevision, Args: []any{
		string(c.ID), c.Revision, text, consent.ChangeName(ch.Kind), consent.ActorName(ch.Actor.Kind), ch.Actor.ID,
		consent.WhyName(ch.Why), consent.StatusName(ch.Status), ch.At.UnixMilli(),
	}}
}

const (
	nextPos = `
INSERT INTO change_head (shard, pos) VALUES ($1, 1)
ON CONFLICT (shard) DO UPDATE SET pos = change_head.pos + 1`
	insertChange = `
INSERT INTO grant_changes (shard, pos, consent_id, version, kind, partner, bank, at)
SELECT shard, pos, $2, CAST($3 AS BIGINT), $4, $5, $6, %s FROM change_head WHERE shard = $1`
)

// change gives the change its place in its shard's order. It comes last: the
// shard's head stays locked until the commit.
func (s *Store) change(c consent.Consent, ch consent.Change) []*sqldb.Statement {
	return []*sqldb.Statement{
		{Text: nextPos, Args: []any{shardOf(c)}},
		{Text: fmt.Sprintf(insertChange, s.db.Clock()), Args: []any{
			shardOf(c), string(c.ID), c.Revision, consent.ChangeName(ch.Kind), string(c.Partner), string(c.Bank),
		}},
	}
}

// shardOf spreads customers over the shards, all of one customer's at one bank
// on the same.
func shardOf(c consent.Consent) int64 {
	if c.Customer == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(string(c.Bank) + "\x00" + string(c.Customer))) // never fails
	return int64(h.Sum64()%shards) + 1
}

const selectNewest = `
SELECT g.consent_id, g.version, g.status, g.fenced_version, r.content
FROM grants g
JOIN consent_revisions r ON r.consent_id = g.consent_id AND r.revision = g.version `

// Get reads the newest revision.
func (s *Store) Get(ctx context.Context, id consent.ID) (consent.Consent, error) {
	c, err := scan(s.db.Reader().QueryRowContext(ctx, selectNewest+`WHERE g.consent_id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return consent.Consent{}, fmt.Errorf("get consent: %w", consent.ErrNotFound)
	}
	if err != nil {
		return consent.Consent{}, fmt.Errorf("get consent: %w", err)
	}
	return c, nil
}

func scan(row interface{ Scan(...any) error }, more ...any) (consent.Consent, error) {
	var (
		id, status, text string
		revision, fenced int64
	)
	if err := row.Scan(append([]any{&id, &revision, &status, &fenced, &text}, more...)...); err != nil {
		return consent.Consent{}, err //nolint:wrapcheck // the caller tells absence apart and wraps
	}
	c, err := decode(consent.ID(id), revision, status, text)
	c.FencedRevision = fenced
	return c, err
}

const selectGrant = `
SELECT g.consent_id, g.version, g.status, g.fenced_version, r.content,
       g.shard, coalesce((SELECT h.pos FROM change_head h WHERE h.shard = g.shard), 0)
FROM grants g
JOIN consent_revisions r ON r.consent_id = g.consent_id AND r.revision = g.version
WHERE g.consent_id = $1`

// Load reads the grant and the position of its shard's changes that it is as
// new as, both in one statement.
func (s *Store) Load(ctx context.Context, id consent.ID) (consent.Grant, consent.Position, error) {
	var at consent.Position
	c, err := scan(s.db.Reader().QueryRowContext(ctx, selectGrant, string(id)), &at.Shard, &at.Pos)
	if errors.Is(err, sql.ErrNoRows) {
		return consent.Grant{}, at, fmt.Errorf("load grant: %w", consent.ErrNotFound)
	}
	if err != nil {
		return consent.Grant{}, at, fmt.Errorf("load grant: %w", err)
	}
	return c.Grant(), at, nil
}

const selectChanges = `
SELECT revision, kind, actor_kind, actor_id, why, status, at
FROM consent_revisions WHERE consent_id = $1 ORDER BY revision`

// Changes reads the history, oldest first.
func (s *Store) Changes(ctx context.Context, id consent.ID) ([]consent.Change, error) {
	rows, err := s.db.Reader().QueryContext(ctx, selectChanges, string(id))
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	defer rows.Close()
	var out []consent.Change
	for rows.Next() {
		var (
			kind, actor, why, status string
			at                       int64
			names                    namer
		)
		ch := consent.Change{Consent: id}
		if err := rows.Scan(&ch.Revision, &kind, &actor, &ch.Actor.ID, &why, &status, &at); err != nil {
			return nil, fmt.Errorf("read change: %w", err)
		}
		ch.At = time.UnixMilli(at).UTC()
		if names.change(&ch, kind, actor, why, status); names.unknown != "" {
			return nil, fmt.Errorf("read change: unknown name %q", names.unknown)
		}
		out = append(out, ch)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read changes: %w", consent.ErrNotFound)
	}
	return out, nil
}

// Unfenced lists consents that wait for a barrier.
func (s *Store) Unfenced(ctx context.Context, limit int) ([]consent.ID, error) {
	return s.ids(ctx, `SELECT consent_id FROM grants WHERE fenced_version < version LIMIT $1`, limit)
}

func (s *Store) ids(ctx context.Context, query string, args ...any) ([]consent.ID, error) {
	rows, err := s.db.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	defer rows.Close()
	var out []consent.ID
	for rows.Next() {
		var id consent.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list consents: %w", err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return out, nil
}
