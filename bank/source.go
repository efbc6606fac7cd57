package bank

import (
	"context"
	"errors"

	"sluice/consent"
)

// ErrNoCustomer means that the bank knows no such customer.
var ErrNoCustomer = errors.New("bank knows no such customer")

// ErrUnavailable means that the bank did not answer, or not in time.
var ErrUnavailable = errors.New("bank unavailable")

// Method is a method of BankService or ConversationService, as gRPC names it.
type Method string

// The methods.
const (
	ListAccounts     Method = "/sluice.bank.v1.BankService/ListAccounts"
	ListHolders      Method = "/sluice.bank.v1.BankService/ListHolders"
	ListBalances     Method = "/sluice.bank.v1.BankService/ListBalances"
	ListTransactions Method = "/sluice.bank.v1.BankService/ListTransactions"
	ListCards        Method = "/sluice.bank.v1.BankService/ListCards"
	ListAlerts       Method = "/sluice.bank.v1.BankService/ListAlerts"
)

// Request is what a bank is asked for: only what a verdict permits.
type Request struct {
	Customer consent.CustomerID
	Accounts []consent.AccountID
	Clusters consent.Clusters
	// From, To and PageToken are for ListTransactions only, PageSize for
	// ListMessages too.
	From, To  consent.Day
	PageSize  int
	PageToken string
	// The rest is for the methods of ConversationService.
	Partner consent.PartnerID // who carries the conversation
	Consent consent.ID        // which it belongs to
	Words   Words
}

// Answer is an encoded response of a bank that nobody has looked at yet.
type Answer struct {
	Bytes []byte
	free  func()
}

// NewAnswer wraps an encoded response; free, if not nil, gives its memory back.
func NewAnswer(b []byte, free func()) Answer { return Answer{Bytes: b, free: free} }

// Free gives the memory of Bytes back. Nothing may refer to it any more.
func (a Answer) Free() {
	if a.free != nil {
		a.free()
	}
}

// Source reads one bank, and tells it what customers answer and write. Its errors wrap ErrUnavailable when asking again
// later may help.
type Source interface {
	// Fetch asks, or tells, and takes the answer as it is. ErrNotServed,
	// ErrNoConversation, ErrNotUnderstood and ErrNotTaken are ConversationService's
	// alone.
	Fetch(ctx context.Context, m Method, r Request) (Answer, error)
	// Reach waits until the bank is reached, so that what it is told next goes out
	// at once.
	Reach(ctx context.Context) error
	AlertDesk
}

// Directory finds banks.
type Directory interface {
	// Source finds how to reach a bank; it does not wait for the bank.
	Source(ctx context.Context, id consent.BankID) (Source, error)
}
