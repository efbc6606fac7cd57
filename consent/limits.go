package consent

import "time"

// The limits of what can be asked for and agreed to; the contract states the
// same ones for messages.
const (
	// MaxDuration is the longest a consent may last from its request or its last
	// renewal: one year, counted as 366 days, so that a calendar year always fits
	// and the sum is the same everywhere.
	MaxDuration = 366 * 24 * time.Hour
	// AuthorizationTimeout is how long after its request everybody who must agree
	// may take.
	AuthorizationTimeout = 60 * time.Minute
	// MaxWaiting bounds how many requests of one partner wait for customers at once,
	// so that none fills the store by asking and asking. Those who ask at the same
	// time may go over it a little.
	MaxWaiting = 10_000
	// EndAnnouncedBefore is how long before its end a consent is announced to end; one
	// that lasts no longer than that is not.
	EndAnnouncedBefore = 30 * 24 * time.Hour
	// UnusedFor is how long nothing need be released, and nobody change it, for an
	// ACTIVE consent to be paused.
	UnusedFor = 90 * 24 * time.Hour
	// MaxLookBackDays bounds the past.
	MaxLookBackDays = 730
	// MaxRetentionDays bounds how long a partner keeps what it received.
	MaxRetentionDays = 730
	// MaxUnattendedPerDay bounds accesses without the customer.
	MaxUnattendedPerDay = 1000
	// MaxPurposeText bounds the partner's own sentence, in characters.
	MaxPurposeText = 400
	// MaxShares bounds the accounts of one consent.
	MaxShares = 100
	// RenewalAskedEvery is how long after its last wish for a later end a partner
	// may have another one.
	RenewalAskedEvery = 24 * time.Hour
	// MaxCoHolders bounds how many others must agree or may see it.
	MaxCoHolders = 20
	// MaxNameLength bounds a bank's names of accounts and customers, in characters.
	MaxNameLength = 128
)

// moment is an instant as consents keep them: UTC, in whole milliseconds.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
