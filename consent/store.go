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

// Query selects consents, newest first (by CreatedAt, then ID, both
// descending): a partner's, all of a bank, those of one customer of a bank, or
// those that name one customer of a bank as a co-holder and are not hidden.
type Query struct {
	Partner  PartnerID
	Bank     BankID
	Customer CustomerID
	CoHolder CustomerID
	LiveOnly bool // only those that are not at an end
	Before   ID   // only those after this one in that order; "" from the start
	Limit    int  // at most this many; at least 1
}

// formed says whether the query is of exactly one of its forms.
func (q Query) formed() bool {
	if q.Partner != "" {
		return q.Bank == "" && q.Customer == "" && q.CoHolder == ""
	}
	return q.Bank != "" && (q.Customer == "" || q.CoHolder == "")
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
	// List reads newest revisions. Co-holders are those that the customer named
	// on authorizing; no later change has others.
	List(ctx context.Context, q Query) ([]Consent, error)
	// Waiting counts a partner's PENDING consents that were asked for after an
	// instant, up to most.
	Waiting(ctx context.Context, partner PartnerID, since time.Time, most int) (int, error)
	// Events reads changes in an order that has those of each consent in theirs,
	// and a cursor behind the last. A change that was not committed when the
	// cursor was made comes later, whatever was committed meanwhile.
	Events(ctx context.Context, q EventQuery) ([]Change, Cursor, error)
	// Due lists consents that are not at an end and whose NextLook, or what it was
	// postponed to, is not after at; oldest first (by CreatedAt, then ID), at most
	// limit.
	Due(ctx context.Context, at time.Time, limit int) ([]ID, error)
	// Postpone notes that nothing is to be done about a consent before an instant,
	// if it is still at the revision. It is no change of the consent.
	Postpone(ctx context.Context, id ID, revision int64, until time.Time) error
}
