package bank

import (
	"errors"

	datav1 "sluice/gen/sluice/data/v1"
)

// The methods of ConversationService. The first four tell the bank something;
// it takes each of them once, however often it is told.
const (
	StartConversation Method = "/sluice.bank.v1.ConversationService/StartConversation"
	SendMessage       Method = "/sluice.bank.v1.ConversationService/SendMessage"
	MarkConversation  Method = "/sluice.bank.v1.ConversationService/MarkConversation"
	CloseConversation Method = "/sluice.bank.v1.ConversationService/CloseConversation"
	ListConversations Method = "/sluice.bank.v1.ConversationService/ListConversations"
	ListMessages      Method = "/sluice.bank.v1.ConversationService/ListMessages"
)

var (
	// ErrNotServed means that the bank does not talk with its customers through
	// partners.
	ErrNotServed = errors.New("bank does not serve conversations")
	// ErrNoConversation means that the consent has no such conversation there.
	ErrNoConversation = errors.New("bank knows no such conversation of this consent")
	// ErrNotUnderstood means that the bank finds something wrong with what it was
	// told or asked, like a message that there is not.
	ErrNotUnderstood = errors.New("bank finds something wrong with what it was told")
)

// Words are what ConversationService is told or asked beyond the accounts. Each
// method takes those that it knows.
type Words struct {
	Conversation string // by the bank's id
	ClientID     string // the partner's name of the message, which the bank takes once
	Topic, Text  string
	Attachments  []*datav1.Attachment // not to be changed
	ReadUpTo     string
	Typing       bool
	Before       string
	OpenOnly     bool
}
