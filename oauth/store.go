package oauth

import (
	"context"
	"errors"
	"time"

	"sluice/consent"
)

// What a Store answers besides other failures.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row is not as it was read, or is finished.
	ErrConflict = errors.New("changed in between")
)

// SessionRow is an authorization request under way.
type SessionRow struct {
	ID      string
	Request string // hash of the request_uri
	Version int64  // from 1
	Pending bool   // neither finished nor failed
	Content string // sealed
	Expires time.Time
}

// GrantRow is what was given to a client for one authorization.
type GrantRow struct {
	ID, Client    string
	Consent       consent.ID // "" for a client's own token
	Version       int64      // from 1
	Code, Refresh string     // keyed hashes; "" if there is none
	Revoked       time.Time  // zero if not
	Content       string     // sealed
	Expires       time.Time
}

// Store keeps them. Its methods may be called at once from many goroutines.
type Store interface {
	// AddSession keeps a new one at version 1.
	AddSession(ctx context.Context, s SessionRow) error
	// ReplaceSession keeps version s.Version+1, if the present one is s.Version
	// and pending; else ErrConflict.
	ReplaceSession(ctx context.Context, s SessionRow) error
	Session(ctx context.Context, id string) (SessionRow, error)
	SessionByRequest(ctx context.Context, request string) (SessionRow, error)

	// AddGrant keeps a new one at version 1.
	AddGrant(ctx context.Context, g GrantRow) error
	// ReplaceGrant keeps version g.Version+1, if the present one is g.Version and
	// not revoked; else ErrConflict.
	ReplaceGrant(ctx context.Context, g GrantRow) error
	// RevokeGrant always lands, whatever the version. Doing so again is fine.
	RevokeGrant(ctx context.Context, id string, at time.Time) error
	Grant(ctx context.Context, id string) (GrantRow, error)
	GrantByCode(ctx context.Context, code string) (GrantRow, error)
	GrantByRefresh(ctx context.Context, refresh string) (GrantRow, error)

	// Forget removes what expired before a moment.
	Forget(ctx context.Context, before time.Time) error
}
