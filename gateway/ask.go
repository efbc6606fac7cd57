package gateway

import (
	"sluice/bank"
	"sluice/consent"
	"sluice/policy"
)

// DefaultPageSize is used where a call states none.
const DefaultPageSize = 100

// Ask is one call for data, as a door understood it. Nothing in it is believed
// but Partner and Ceiling, which the door has from the authenticated caller.
type Ask struct {
	Partner    consent.PartnerID
	Consent    consent.ID
	Purpose    consent.Purpose
	Unattended bool
	Kind       policy.Kind
	// Accounts by their pairwise ids; empty: all that are covered.
	Accounts []string
	// Ceiling is what the call's access token lets out at most: kinds of data, by
	// pairwise ids of accounts. nil: no token was shown.
	Ceiling map[string]consent.Clusters
	// One says that the call is about exactly one account, so that its failure
	// is the call's.
	One       bool
	From, To  consent.Day // NoDay where not stated
	PageSize  int         // 0: DefaultPageSize
	PageToken string
	Words     bank.Words // for conversations: what is said, or which are meant
	Method    string     // as package.Service/Method, for the record
	RequestID string

	tells bank.Method // Converse's; empty: the bank is told nothing

	pushed  bool // the rest is Deliver's
	bank    consent.BankID
	account consent.AccountID
}
