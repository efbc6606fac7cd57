package consent

import (
	"context"
	"errors"
	"time"
)

// What a Store answers besides other failures.
var (
	// ErrNotFound: there is no such consent.
	ErrNotFound = errors.New("consent not found")
	// ErrConflict: the consent is not at the revision the change was made from.
	ErrConflict = errors.New("consent was changed in between")
	// ErrExists: the id is taken.
	ErrExists = errors.New("consent id is taken")
)

// Query selects consents of one customer at one bank, newest first
// (by CreatedAt, then ID, both descending).
type Query struct {
	Bank     BankID
	Customer CustomerID
	Before   ID  // only those after this one in that order; "" from the start
	Limit    int // at most this many; at least 1
}

// Store keeps consents: every revision forever, and the newest as the truth the
// gate reads. All methods may be called at once from many goroutines. A write
// is durable when it returns nil; when it returns an error other than those
// above it may or may not have happened.
type Store interface {
	// Create keeps the first revision. ErrExists if the id is taken.
	Create(ctx context.Context, c Consent, ch Change) error
	// Replace keeps the next revision, if the newest is c.Revision-1: else
	// ErrConflict, or ErrNotFound if there is none. Nothing is kept on an error.
	Replace(ctx context.Context, c Consent, ch Change) error
	// Fenced notes that no answer released under a revision before this one can
	// still begin to leave. It is no change of the consent, and never goes back.
	Fenced(ctx context.Context, id ID, revision int64) error
	// Unfenced lists consents that are not Fenced, at most limit, in any order.
	Unfenced(ctx context.Context, limit int) ([]ID, error)
	// Get reads the newest revision, or ErrNotFound.
	Get(ctx context.Context, id ID) (Consent, error)
	// Changes reads the history, oldest first, or ErrNotFound.
	Changes(ctx context.Context, id ID) ([]Change, error)
	// List reads newest revisions.
	List(ctx context.Context, q Query) ([]Consent, error)
	// Due lists consents that are not at an end and whose ValidUntil or, while
	// not fully authorized, CreatedAt+AuthorizationTimeout is not after at, and
	// all one-time consents that are Live; oldest first (by CreatedAt, then ID),
	// at most limit.
	Due(ctx context.Context, at time.Time, limit int) ([]ID, error)
}
