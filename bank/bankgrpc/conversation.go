package bankgrpc

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice/bank"
	bankv1 "sluice/gen/sluice/bank/v1"
)

// conversation is a request of ConversationService.
func conversation(m bank.Method, subject *bankv1.Subject, r bank.Request) (proto.Message, error) {
	party := &bankv1.Party{Subject: subject, PartnerId: string(r.Partner), ConsentId: string(r.Consent)}
	w := r.Words
	switch m {
	case bank.StartConversation:
		return &bankv1.StartConversationRequest{Party: party, ClientId: w.ClientID, Topic: w.Topic, Text: w.Text, Attachments: w.Attachments}, nil
	case bank.SendMessage:
		return &bankv1.SendMessageRequest{
			Party: party, ConversationId: w.Conversation, ClientId: w.ClientID, Text: w.Text, Attachments: w.Attachments,
		}, nil
	case bank.MarkConversation:
		return &bankv1.MarkConversationRequest{Party: party, ConversationId: w.Conversation, ReadUpTo: w.ReadUpTo, Typing: w.Typing}, nil
	case bank.CloseConversation:
		return &bankv1.CloseConversationRequest{Party: party, ConversationId: w.Conversation}, nil
	case bank.ListConversations:
		return &bankv1.ListConversationsRequest{Party: party, OpenOnly: w.OpenOnly}, nil
	case bank.ListMessages:
		return &bankv1.ListMessagesRequest{Party: party, ConversationId: w.Conversation, Before: w.Before, PageSize: int32(r.PageSize)}, nil
	default:
		return nil, fmt.Errorf("bank has no method %s", m)
	}
}

// failedTalk is failed for ConversationService: there the bank's code says
// whether what it was told can ever be taken.
func failedTalk(m bank.Method, err error) error {
	switch c := status.Code(err); {
	case c == codes.Unimplemented:
		return bank.ErrNotServed
	case c == codes.NotFound && m != bank.StartConversation && m != bank.ListConversations:
		return bank.ErrNoConversation
	case c == codes.InvalidArgument, c == codes.OutOfRange:
		return fmt.Errorf("%w: %s", bank.ErrNotUnderstood, c)
	case c == codes.AlreadyExists, c == codes.FailedPrecondition:
		return fmt.Errorf("%w: %s", bank.ErrNotTaken, c)
	default:
		return failed(err)
	}
}

// talk says that a method is ConversationService's.
func talk(m bank.Method) bool {
	switch m {
	case bank.StartConversation, bank.SendMessage, bank.MarkConversation, bank.CloseConversation, bank.ListConversations, bank.ListMessages:
		return true
	default:
		return false
	}
}
