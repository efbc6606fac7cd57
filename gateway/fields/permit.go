package fields

import (
	"sluice/consent"
	"sluice/gateway/masking"
)

// Account is what may leave of one account.
type Account struct {
	ID       consent.AccountID // as the bank names it
	Public   string            // as the partner knows it
	Clusters consent.Clusters
	Masked   bool // numbers leave masked even where a cluster would show them
}

// Permit is what may leave of an answer. The zero value permits nothing.
type Permit struct {
	Accounts []Account
	From, To consent.Day // both included; for messages with a look-back date
	// Consent is the one whose messages may leave, where messages belong to one.
	Consent consent.ID
	Pass    masking.Pass // what is not masked of what people wrote
}

// Dropped counts what a bank answered and the permit did not allow, for
// metrics. It never says what it was.
type Dropped struct {
	Accounts int // entries of accounts not permitted, or unnamed
	Items    int // messages outside the permitted days, or without a day
	Foreign  int // messages of another consent, or of none
	Fields   int // known fields whose cluster is not permitted
	Unknown  int // unknown fields and known ones of a wrong wire type
}

// Failure is an account the bank says it can't answer.
type Failure struct {
	Account consent.AccountID
	Code    int32 // bank.v1.AccountFailureCode
}

// Shown is what is left of a bank's answer. Only Keep makes one.
type Shown struct {
	bytes    []byte
	accounts []consent.AccountID
	failures []Failure
	clusters consent.Clusters
	items    int
	next     string
	dropped  Dropped
	masked   int
}

// Bytes is the encoded data, ready to stand in field 1 of a partner's answer
// (tags included). It must not be changed.
func (s Shown) Bytes() []byte { return s.bytes }

// Accounts are those with an entry, in the bank's order, each once.
func (s Shown) Accounts() []consent.AccountID { return s.accounts }

// Failures are permitted accounts that the bank said it can't answer.
func (s Shown) Failures() []Failure { return s.failures }

// Clusters are the kinds of data of the fields that were copied.
func (s Shown) Clusters() consent.Clusters { return s.clusters }

// Items counts the messages kept inside the entries, or the entries themselves
// where an entry has none inside (accounts).
func (s Shown) Items() int { return s.items }

// NextPage is the bank's own page token.
func (s Shown) NextPage() string { return s.next }

// Masked counts the numbers and codes that were masked in what people wrote.
func (s Shown) Masked() int { return s.masked }

// Dropped counts what was not copied.
func (s Shown) Dropped() Dropped { return s.dropped }
