package policy

import (
	"time"

	"sluice/consent"
	"sluice/registry"
)

// Kind is the kind of answer a call wants.
type Kind int

// The kinds. Each needs one data cluster of an account: ACCOUNT_BASIC,
// BALANCES, TRANSACTIONS_BASIC, CARDS and FRAUD_ALERTS; CONVERSATIONS for the
// last two.
const (
	Accounts Kind = iota + 1
	Balances
	Transactions
	Cards
	Alerts
	Conversations
	Messages
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
	case Alerts:
		return "ALERTS"
	case Conversations:
		return "CONVERSATIONS"
	case Messages:
		return "MESSAGES"
	}
	return "UNKNOWN"
}

// Conversational says that it is about what people write to each other.
func (k Kind) Conversational() bool { return k == Conversations || k == Messages }

// Question is everything a decision may depend on: one reading of one clock,
// the grant, the call, and the facts.
type Question struct {
	At            time.Time
	Grant         consent.Grant
	Partner       consent.PartnerID // the caller
	PartnerActive bool
	BankActive    bool
	ChatPass      registry.ChatPass // what the bank lets pass in conversations
	Kind          Kind
	Purpose       consent.Purpose
	Unattended    bool
	Continues     bool // a later page of an access already counted today
	Pushed        bool // an event: nobody asked for it now, so it is no access to count
	// Accounts asked for, by the bank's ids. Empty: all that are covered.
	Accounts []consent.AccountID
	// Unnamed counts ids asked for that name no account of the grant.
	Unnamed int
	// From and To bound transactions; NoDay when not stated.
	From, To consent.Day
	// Ceiling is what the call's access token lets out at most, by account and kind
	// of data. An account that is not in it is none of the grant's for this call.
	// nil: no token was shown, and the grant alone bounds the call.
	Ceiling map[consent.AccountID]consent.Clusters
	// UnattendedToday and FirstRelease are facts from the log of disclosures.
	UnattendedToday int
	FirstRelease    time.Time // zero if there was none
}

// share is what the customer agreed to share of an account, as far as the
// call's token lets it out.
func (q Question) share(a consent.AccountID) (consent.Share, bool) {
	share, ok := q.Grant.Share(a)
	if !ok || q.Ceiling == nil {
		return share, ok
	}
	most, ok := q.Ceiling[a]
	share.Clusters = share.Clusters.Implied() & most.Implied()
	return share, ok
}

// shares are all of them, in the grant's order.
func (q Question) shares() []consent.Share {
	if q.Ceiling == nil {
		return q.Grant.Shares()
	}
	var out []consent.Share
	for _, s := range q.Grant.Shares() {
		if share, ok := q.share(s.Account); ok {
			out = append(out, share)
		}
	}
	return out
}
