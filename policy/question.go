package policy

import (
	"time"

	"sluice/consent"
)

// Kind is the kind of answer a call wants.
type Kind int

// The kinds. Each needs one data cluster of an account: ACCOUNT_BASIC,
// BALANCES, TRANSACTIONS_BASIC and CARDS.
const (
	Accounts Kind = iota + 1
	Balances
	Transactions
	Cards
)

// String is the kind as it stands in Rego.
func (k Kind) String() string {
	switch k {
	case Accounts:
		return "ACCOUNTS"
	case Balances:
		return "BALANCES"
	case Transactions:
		return "TRANSACTIONS"
	case Cards:
		return "CARDS"
	}
	return "UNKNOWN"
}

// Question is everything a decision may depend on: one reading of one clock,
// the grant, the call, and the facts.
type Question struct {
	At            time.Time
	Grant         consent.Grant
	Partner       consent.PartnerID // the caller
	PartnerActive bool
	BankActive    bool
	Kind          Kind
	Purpose       consent.Purpose
	Unattended    bool
	Continues     bool // a later page of an access already counted today
	// Accounts asked for, by the bank's ids. Empty: all that are covered.
	Accounts []consent.AccountID
	// Unnamed counts ids asked for that name no account of the grant.
	Unnamed int
	// From and To bound transactions; NoDay when not stated.
	From, To consent.Day
	// UnattendedToday and FirstRelease are facts from the log of disclosures.
	UnattendedToday int
	FirstRelease    time.Time // zero if there was none
}
