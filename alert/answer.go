package alert

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"time"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
)

// ErrGrantChanged means that an answer was not kept, because the grant is not
// (any more) as the gate saw it, a party is suspended, or the alert's time is over.
var ErrGrantChanged = errors.New("grant changed since it was read")

// ID names an answer, for the bank too.
type ID string

// newID makes an unguessable id.
func newID() ID { return ID("ans_" + rand.Text()) }

// Subject is an alert, by the bank's names.
type Subject struct {
	Bank    consent.BankID
	Account consent.AccountID
	Alert   string
}

// State is how far an answer has come.
type State int

// The states. All but Kept are ends.
const (
	Kept      State = iota + 1 // the bank has yet to take it
	Taken                      // the bank has it
	NotTaken                   // the bank refused it for good
	Abandoned                  // the bank could not be told for too long
)

// String is the state as it stands in a column.
func (s State) String() string { return [...]string{"", "KEPT", "TAKEN", "NOT_TAKEN", "ABANDONED"}[s] }

// ParseState reads what String wrote; false for anything else.
func ParseState(name string) (State, bool) {
	for s := Kept; s <= Abandoned; s++ {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}

// Answer is one customer's answer to one alert.
type Answer struct {
	ID      ID
	Subject Subject
	// Who answered, and under what.
	Consent  consent.ID
	Revision int64
	Partner  consent.PartnerID
	Customer consent.CustomerID

	Choice datav1.AlertChoice
	Hash   [sha256.Size]byte // of id, choice and confirmation
	Sealed string            // the confirmation; empty at an end
	Expiry time.Time         // of the alert; zero if it has none

	State    State
	Status   datav1.AlertStatus // by the bank, once Taken
	Attempts int                // of telling the bank
	KeptAt   time.Time
}

// hashOf binds a confirmation to the answer it confirms.
func hashOf(id ID, c datav1.AlertChoice, confirmation string) [sha256.Size]byte {
	msg := binary.AppendUvarint([]byte(id), uint64(c))
	return sha256.Sum256(append(msg, confirmation...))
}

// saysSame tells whether somebody says again what this answer says.
func (a Answer) saysSame(as given) bool {
	h := hashOf(a.ID, as.choice, as.confirmation)
	return a.Partner == as.grant.Partner() && a.Customer == as.grant.Customer() && a.Choice == as.choice &&
		subtle.ConstantTimeCompare(h[:], a.Hash[:]) == 1
}

// Store keeps answers. Its clock is one for all replicas.
type Store interface {
	// Find is the answer to an alert; false if there is none.
	Find(ctx context.Context, s Subject) (Answer, bool, error)
	// Keep keeps the first answer to an alert if the grant is still so, or fails
	// with ErrGrantChanged. It is false, with the answer that was first, if there
	// is one. For the length of lease it is not among those Due. After any other
	// error it may have been kept.
	Keep(ctx context.Context, a Answer, under consent.Grant, lease time.Duration) (Answer, bool, error)
	// Due takes up to limit answers that wait for the bank, so that nobody else
	// takes them for the length of lease, and counts the attempt.
	Due(ctx context.Context, limit int, lease time.Duration) ([]Answer, error)
	// Settle ends an answer that is Kept; else it changes nothing.
	Settle(ctx context.Context, id ID, s State, status datav1.AlertStatus) error
	// Postpone makes an answer that is Kept due after so long.
	Postpone(ctx context.Context, id ID, wait time.Duration) error
}
