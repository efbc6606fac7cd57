package oauthdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"sluice/oauth"
	"sluice/sqldb"
)

// Store is an oauth.Store in SQL.
type Store struct{ db *sqldb.DB }

// New keeps rows in db.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// AddSession keeps a new session.
func (s *Store) AddSession(ctx context.Context, r oauth.SessionRow) error {
	return s.exec(ctx, "add session", nil,
		`INSERT INTO oauth_sessions (id, request, version, pending, content, expires_at) VALUES ($1, $2, 1, $3, $4, $5)`,
		r.ID, r.Request, sqldb.Bool(r.Pending), r.Content, r.Expires.UnixMilli())
}

// ReplaceSession keeps the next version of a pending session.
func (s *Store) ReplaceSession(ctx context.Context, r oauth.SessionRow) error {
	return s.exec(ctx, "replace session", oauth.ErrConflict, `
UPDATE oauth_sessions SET version = version + 1, pending = $1, content = $2, expires_at = $3
WHERE id = $4 AND version = $5 AND pending = 1`,
		sqldb.Bool(r.Pending), r.Content, r.Expires.UnixMilli(), r.ID, r.Version)
}

const selectSession = `SELECT id, request, version, pending, content, expires_at FROM oauth_sessions WHERE `

// Session finds a session by its id.
func (s *Store) Session(ctx context.Context, id string) (oauth.SessionRow, error) {
	return s.session(ctx, selectSession+`id = $1`, id)
}

// SessionByRequest finds a session by its request_uri's hash.
func (s *Store) SessionByRequest(ctx context.Context, request string) (oauth.SessionRow, error) {
	return s.session(ctx, selectSession+`request = $1`, request)
}

func (s *Store) session(ctx context.Context, query, key string) (oauth.SessionRow, error) {
	var (
		r                oauth.SessionRow
		pending, expires int64
	)
	err := s.db.Reader().QueryRowContext(ctx, query, key).Scan(&r.ID, &r.Request, &r.Version, &pending, &r.Content, &expires)
	if err != nil {
		return oauth.SessionRow{}, found("session", err)
	}
	r.Pending, r.Expires = pending != 0, time.UnixMilli(expires).UTC()
	return r, nil
}

// AddGrant keeps a new grant.
func (s *Store) AddGrant(ctx context.Context, g oauth.GrantRow) error {
	return s.exec(ctx, "add grant", nil, `
INSERT INTO oauth_grants (id, client, consent_id, version, code, refresh, revoked_at, content, expires_at)
VALUES ($1, $2, $3, 1, $4, $5, 0, $6, $7)`,
		g.ID, g.Client, string(g.Consent), absent(g.Code), absent(g.Refresh), g.Content, g.Expires.UnixMilli())
}

// ReplaceGrant keeps the next version of a grant that is not revoked.
func (s *Store) ReplaceGrant(ctx context.Context, g oauth.GrantRow) error {
	return s.exec(ctx, "replace grant", oauth.ErrConflict, `
UPDATE oauth_grants SET version = version + 1, consent_id = $1, code = $2, refresh = $3, content = $4, expires_at = $5
WHERE id = $6 AND version = $7 AND client = $8 AND revoked_at = 0`,
		string(g.Consent), absent(g.Code), absent(g.Refresh), g.Content, g.Expires.UnixMilli(), g.ID, g.Version, g.Client)
}

// RevokeGrant revokes, whatever else happened to the grant.
func (s *Store) RevokeGrant(ctx context.Context, id string, at time.Time) error {
	return s.exec(ctx, "revoke grant", nil,
		`UPDATE oauth_grants SET version = version + 1, revoked_at = $1 WHERE id = $2 AND revoked_at = 0`, at.UnixMilli(), id)
}

const selectGrant = `
SELECT id, client, consent_id, version, coalesce(code, ''), coalesce(refresh, ''), revoked_at, content, expires_at
FROM oauth_grants WHERE `

// Grant finds a grant by its id.
func (s *Store) Grant(ctx context.Context, id string) (oauth.GrantRow, error) {
	return s.grant(ctx, selectGrant+`id = $1`, id)
}

// GrantByCode finds a grant by its code's hash.
func (s *Store) GrantByCode(ctx context.Context, code string) (oauth.GrantRow, error) {
	return s.grant(ctx, selectGrant+`code = $1`, code)
}

// GrantByRefresh finds a grant by its refresh token's hash.
func (s *Store) GrantByRefresh(ctx context.Context, refresh string) (oauth.GrantRow, error) {
	return s.grant(ctx, selectGrant+`refresh = $1`, refresh)
}

func (s *Store) grant(ctx context.Context, query, key string) (oauth.GrantRow, error) {
	var (
		g                oauth.GrantRow
		revoked, expires int64
	)
	err := s.db.Reader().QueryRowContext(ctx, query, key).Scan(
		&g.ID, &g.Client, &g.Consent, &g.Version, &g.Code, &g.Refresh, &revoked, &g.Content, &expires)
	if err != nil {
		return oauth.GrantRow{}, found("grant", err)
	}
	if revoked != 0 {
		g.Revoked = time.UnixMilli(revoked).UTC()
	}
	g.Expires = time.UnixMilli(expires).UTC()
	return g, nil
}

// Forget removes what expired before a moment.
func (s *Store) Forget(ctx context.Context, before time.Time) error {
	return errors.Join(
		s.exec(ctx, "forget sessions", nil, `DELETE FROM oauth_sessions WHERE expires_at < $1`, before.UnixMilli()),
		s.exec(ctx, "forget grants", nil, `DELETE FROM oauth_grants WHERE expires_at < $1`, before.UnixMilli()))
}

// exec changes rows; if missed is not nil it must be exactly one, else the error is missed.
func (s *Store) exec(ctx context.Context, doing string, missed error, text string, args ...any) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		done, err := tx.ExecContext(ctx, text, args...)
		if err != nil || missed == nil {
			return err //nolint:wrapcheck // wrapped below
		}
		n, err := done.RowsAffected()
		if err == nil && n != 1 {
			return missed
		}
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func found(what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("find %s: %w", what, oauth.ErrNotFound)
	}
	return fmt.Errorf("find %s: %w", what, err)
}

// absent is NULL for "", of which there may be many.
func absent(s string) any {
	if s == "" {
		return nil
	}
	return s
}
