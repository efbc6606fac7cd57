package disclosure

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/refusal"
)

// OneTimeSitting is how long after its first release a one-time consent may be
// used: long enough for one sitting with its pages, too short for a second.
const OneTimeSitting = 15 * time.Minute

// ErrGrantChanged means that the entry was not appended, because the grant is
// not (any more) as the entry says, has ended, a party to it is suspended, or
// a limit is used up. The caller decides anew from the present grant, or refuses.
var ErrGrantChanged = errors.New("grant changed since it was read")

// ID names a disclosure.
type ID string

// Entry is one release about to happen.
type Entry struct {
	Grant          consent.Grant // revision and digest are checked again
	Method         string        // package.Service/Method
	Accounts       []consent.AccountID
	Clusters       consent.Clusters // kinds of data that really leave
	Purpose        consent.Purpose
	Unattended     bool
	Continues      ID   // the access's first page, when this is a later one; it is not counted again
	Pushed         bool // an event: no access of the partner's, so not counted
	Items          int  // accounts, balances, transactions, cards or alerts
	PolicyRevision string
	RequestID      string
}

// Record is an entry that was appended.
type Record struct {
	ID             ID
	Seq            int64 // position in the log, from 1
	Consent        consent.ID
	Revision       int64
	Partner        consent.PartnerID
	Bank           consent.BankID
	Customer       consent.CustomerID
	Method         string
	Accounts       []consent.AccountID
	Clusters       consent.Clusters
	Purpose        consent.Purpose
	Unattended     bool
	Continues      ID
	Items          int
	PolicyRevision string
	RequestID      string
	At             time.Time
	Outcome        Outcome
}

// Outcome is what became of a release after it was recorded.
type Outcome int

// The outcomes. A record says Sent until the gateway knows better: what is
// written down may be more than what left, never less.
const (
	Sent     Outcome = iota // left, as far as is known
	Withheld                // did not leave after all
	Late                    // left when it might not have left any more: an incident
)

// String is the outcome as it stands in the log.
func (o Outcome) String() string { return [...]string{"SENT", "WITHHELD", "LATE"}[o] }

// ParseOutcome reads what String wrote; anything else is Sent.
func ParseOutcome(s string) Outcome {
	switch s {
	case Withheld.String():
		return Withheld
	case Late.String():
		return Late
	default:
		return Sent
	}
}

// Usage is what the log knows of a consent's use, as facts for a decision.
type Usage struct {
	Unattended int       // accesses of the day without the customer
	First      time.Time // the first release ever; zero if there was none
}

// DayCount is how often data left under a consent on one day. What was recorded
// and did not leave after all is not in it.
type DayCount struct {
	Day        consent.Day
	Releases   int // each page of an access is one
	Unattended int // those of them without the customer
	Events     int // those of these that were events, and no access of the partner's
}

// Reads are the releases that the partner asked for.
func (d DayCount) Reads() int { return d.Releases - d.Events }

// UnattendedReads are those of them without the customer.
func (d DayCount) UnattendedReads() int { return d.Unattended - d.Events }

// RefusalCount is how often a consent kept something back on one day, for one
// reason.
type RefusalCount struct {
	Day    consent.Day
	Reason refusal.Reason
	Count  int
	Last   time.Time
}

// Query selects the records of one consent, newest first.
type Query struct {
	Consent   consent.ID
	BeforeSeq int64 // only those before this place; 0 from the newest
	Limit     int   // at most this many; at least 1
}

// Appender appends entries under the fence described in the package comment.
type Appender interface {
	// Append gives the entry its place and moment, or ErrGrantChanged. After any
	// other error the entry may or may not stand in the log; nothing may leave.
	Append(ctx context.Context, id ID, e Entry) (seq int64, at time.Time, err error)
	// Outcome notes what became of an entry, soon and without waiting.
	Outcome(id ID, what Outcome)
}

// Receipt proves that a release was recorded. The zero value proves nothing.
type Receipt struct {
	id  ID
	seq int64
	at  time.Time
}

// ID names the disclosure; "" for the zero value.
func (r Receipt) ID() ID { return r.id }

// Seq is its place in the log.
func (r Receipt) Seq() int64 { return r.seq }

// At is the moment of release.
func (r Receipt) At() time.Time { return r.at }

// Valid says whether the receipt stands for a record.
func (r Receipt) Valid() bool { return r.id != "" }

// Recorder makes receipts. It may be used by many goroutines.
type Recorder struct{ log Appender }

// NewRecorder records into log.
func NewRecorder(log Appender) *Recorder { return &Recorder{log: log} }

// Record appends the entry under the fence and only then makes a receipt.
func (r *Recorder) Record(ctx context.Context, e Entry) (Receipt, error) {
	id := NewID()
	seq, at, err := r.log.Append(ctx, id, e)
	if err != nil {
		return Receipt{}, fmt.Errorf("record disclosure: %w", err)
	}
	return Receipt{id: id, seq: seq, at: at}, nil
}

// Outcome notes that a recorded release was withheld after all, or left late.
func (r *Recorder) Outcome(of Receipt, what Outcome) { r.log.Outcome(of.id, what) }

// NewID makes an unguessable id.
func NewID() ID { return ID("dis_" + rand.Text()) }
