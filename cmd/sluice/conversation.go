package main

import (
	"context"
	"crypto/rand"
	"io"
	"os"
	"strings"

	"google.golang.org/grpc"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type conversationCmd struct {
	Start    conversationStartCmd    `cmd:"" help:"Start a conversation with the bank."`
	Send     conversationSendCmd     `cmd:"" help:"Send the bank a message of the customer's."`
	List     conversationListCmd     `cmd:"" help:"List conversations."`
	Messages conversationMessagesCmd `cmd:"" help:"List the messages of a conversation."`
	Close    conversationCloseCmd    `cmd:"" help:"End a conversation."`
}

// inConversation is what every command about conversations states.
type inConversation struct {
	calling
	Purpose purpose `help:"Why; no other one is permitted." default:"CUSTOMER_SERVICE"`
}

func (c *inConversation) access() *partnerv1.Access { return c.accessFor(c.Purpose) }

func conversationCall[Q, R any](ctx context.Context, c *inConversation,
	method func(partnerv1.ConversationServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return callUnder(ctx, &c.calling, partnerv1.NewConversationServiceClient, method, request)
}

// said is what a customer says.
type said struct {
	Account  string `help:"The account, as the partner knows it." required:"" placeholder:"ID"`
	ClientID string `help:"The partner's name of the message; the same again is taken once. A new one if not given." placeholder:"ID"`
}

func (s said) clientID() string {
	if s.ClientID != "" {
		return s.ClientID
	}
	return strings.ToLower(rand.Text())
}

type conversationStartCmd struct {
	inConversation
	said
	Topic string `help:"What it is about." placeholder:"TEXT"`
	Text  string `arg:"" help:"What the customer writes."`
}

func (c *conversationStartCmd) Help() string {
	return `The customer must be present. The consent must share CONVERSATIONS of the account, for
the purpose CUSTOMER_SERVICE. What the bank answers comes by "sluice events".

Example:
  sluice conversation start "Why was my card refused?" --consent con_… --account acc_… --topic "My card"`
}

// Run starts a conversation.
func (c *conversationStartCmd) Run(ctx context.Context) error {
	got, err := conversationCall(ctx, &c.inConversation, partnerv1.ConversationServiceClient.StartConversation,
		&partnerv1.StartConversationRequest{Access: c.access(), AccountId: c.Account, ClientId: c.clientID(), Topic: c.Topic, Text: c.Text})
	if err != nil {
		return err
	}
	return c.printConversations(os.Stdout, got, got.GetAccounts())
}

type conversationSendCmd struct {
	inConversation
	said
	Conversation string `arg:"" help:"The conversation's id."`
	Text         string `arg:"" help:"What the customer writes."`
}

func (c *conversationSendCmd) Help() string {
	return `The customer must be present.

Example:
  sluice conversation send cnv-1 "It was in Brno, yesterday." --consent con_… --account acc_…`
}

// Run sends a message.
func (c *conversationSendCmd) Run(ctx context.Context) error {
	got, err := conversationCall(ctx, &c.inConversation, partnerv1.ConversationServiceClient.SendMessage, &partnerv1.SendMessageRequest{
		Access: c.access(), AccountId: c.Account, ConversationId: c.Conversation, ClientId: c.clientID(), Text: c.Text,
	})
	if err != nil {
		return err
	}
	return c.printMessages(os.Stdout, got, got.GetAccounts())
}

type conversationListCmd struct {
	inConversation
	Account []string `help:"Only of this account; may be given again." placeholder:"ID"`
	Open    bool     `help:"Only those that go on."`
}

func (c *conversationListCmd) Help() string {
	return "Example:\n  sluice conversation list --consent con_… --open"
}

// Run lists conversations.
func (c *conversationListCmd) Run(ctx context.Context) error {
	got, err := conversationCall(ctx, &c.inConversation, partnerv1.ConversationServiceClient.ListConversations,
		&partnerv1.ListConversationsRequest{Access: c.access(), AccountIds: c.Account, OpenOnly: c.Open})
	if err != nil {
		return err
	}
	return c.printConversations(os.Stdout, got, got.GetAccounts())
}

type conversationMessagesCmd struct {
	inConversation
	Account      string `help:"The account, as the partner knows it." required:"" placeholder:"ID"`
	Conversation string `arg:"" help:"The conversation's id."`
	Before       string `help:"Only messages before this one; the newest if not given." placeholder:"ID"`
	PageSize     int32  `help:"How many at most, up to 100." default:"50"`
}

func (c *conversationMessagesCmd) Help() string {
	return "Example:\n  sluice conversation messages cnv-1 --consent con_… --account acc_…"
}

// Run lists messages.
func (c *conversationMessagesCmd) Run(ctx context.Context) error {
	got, err := conversationCall(ctx, &c.inConversation, partnerv1.ConversationServiceClient.ListMessages, &partnerv1.ListMessagesRequest{
		Access: c.access(), AccountId: c.Account, ConversationId: c.Conversation, Before: c.Before, PageSize: c.PageSize,
	})
	if err != nil {
		return err
	}
	return c.printMessages(os.Stdout, got, got.GetAccounts())
}

type conversationCloseCmd struct {
	inConversation
	Account      string `help:"The account, as the partner knows it." required:"" placeholder:"ID"`
	Conversation string `arg:"" help:"The conversation's id."`
}

func (c *conversationCloseCmd) Help() string {
	return "Example:\n  sluice conversation close cnv-1 --consent con_… --account acc_…"
}

// Run ends a conversation.
func (c *conversationCloseCmd) Run(ctx context.Context) error {
	got, err := conversationCall(ctx, &c.inConversation, partnerv1.ConversationServiceClient.CloseConversation,
		&partnerv1.CloseConversationRequest{Access: c.access(), AccountId: c.Account, ConversationId: c.Conversation})
	if err != nil {
		return err
	}
	return c.printConversations(os.Stdout, got, got.GetAccounts())
}

func (c *inConversation) printConversations(w io.Writer, got answer, accounts []*datav1.AccountConversations) error {
	var rows [][]string
	for _, a := range accounts {
		for _, t := range a.GetConversations() {
			rows = append(rows, []string{
				a.GetAccountId(), t.GetConversationId(), shortName(t.GetStatus()), formatTime(t.GetStartedAt()), formatTime(t.GetLastMessageAt()), t.GetTopic(),
			})
		}
	}
	return c.print(w, got, "ACCOUNT|CONVERSATION|STATUS|STARTED|LAST MESSAGE|TOPIC", rows)
}

func (c *inConversation) printMessages(w io.Writer, got answer, accounts []*datav1.AccountMessages) error {
	var rows [][]string
	for _, a := range accounts {
		for _, m := range a.GetMessages() {
			rows = append(rows, []string{m.GetMessageId(), formatTime(m.GetSentAt()), authorOf(m), m.GetText(), filesOf(m)})
		}
	}
	return c.print(w, got, "MESSAGE|SENT|AUTHOR|TEXT|FILES", rows)
}

func authorOf(m *datav1.Message) string {
	if m.GetAuthorName() == "" {
		return shortName(m.GetAuthor())
	}
	return shortName(m.GetAuthor()) + " " + m.GetAuthorName()
}

func filesOf(m *datav1.Message) string {
	var names []string
	for _, f := range m.GetAttachments() {
		names = append(names, f.GetName())
	}
	return strings.Join(names, ", ")
}

// talkWords tell what an event says of a conversation.
func talkWords(e *partnerv1.Event) []string {
	var words []string
	for _, a := range e.GetMessage().GetAccounts() {
		for _, m := range a.GetMessages() {
			words = append(words, a.GetAccountId(), m.GetConversationId(), authorOf(m), m.GetText())
		}
	}
	for _, a := range e.GetConversation().GetAccounts() {
		for _, c := range a.GetConversations() {
			words = append(words, a.GetAccountId(), c.GetConversationId(), shortName(c.GetStatus()))
		}
	}
	return words
}
