package banktest

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// Call is one call that the bank had.
type Call struct {
	Method  bank.Method
	Request bank.Request
}

// Calls are the calls made so far: all through Fetch, and those of
// ConversationService over gRPC.
func (b *Bank) Calls() []Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Call(nil), b.calls...)
}

// asker is what each request of ConversationService has.
type asker interface {
	proto.Message
	GetParty() *bankv1.Party
}

// serveConversations serves ConversationService over gRPC.
func (b *Bank) serveConversations(s grpc.ServiceRegistrar) {
	desc := bankv1.ConversationService_ServiceDesc
	desc.Methods = nil
	for m, request := range map[bank.Method]func() asker{
		bank.StartConversation: func() asker { return &bankv1.StartConversationRequest{} },
		bank.SendMessage:       func() asker { return &bankv1.SendMessageRequest{} },
		bank.MarkConversation:  func() asker { return &bankv1.MarkConversationRequest{} },
		bank.CloseConversation: func() asker { return &bankv1.CloseConversationRequest{} },
		bank.ListConversations: func() asker { return &bankv1.ListConversationsRequest{} },
		bank.ListMessages:      func() asker { return &bankv1.ListMessagesRequest{} },
	} {
		desc.Methods = append(desc.Methods, grpc.MethodDesc{
			MethodName: string(m[strings.LastIndexByte(string(m), '/')+1:]),
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				r := request()
				if err := decode(r); err != nil {
					return nil, fmt.Errorf("read request: %w", err)
				}
				b.mu.Lock()
				b.calls = append(b.calls, Call{m, read(r)})
				b.mu.Unlock()
				encoded, err := b.answer(m)
				return raw(encoded), err
			},
		})
	}
	s.RegisterService(&desc, nil)
}

// read is the request as the gateway made it.
func read(r asker) bank.Request {
	subject := r.GetParty().GetSubject()
	out := bank.Request{
		Customer: consent.CustomerID(subject.GetCustomerId()), Clusters: consent.ClustersOf(subject.GetClusters()...),
		Partner: consent.PartnerID(r.GetParty().GetPartnerId()), Consent: consent.ID(r.GetParty().GetConsentId()),
	}
	for _, a := range subject.GetAccountIds() {
		out.Accounts = append(out.Accounts, consent.AccountID(a))
	}
	w := &out.Words
	if r, ok := r.(interface{ GetConversationId() string }); ok {
		w.Conversation = r.GetConversationId()
	}
	if r, ok := r.(interface {
		GetClientId() string
		GetText() string
		GetAttachments() []*datav1.Attachment
	}); ok {
		w.ClientID, w.Text, w.Attachments = r.GetClientId(), r.GetText(), r.GetAttachments()
	}
	switch r := r.(type) {
	case *bankv1.StartConversationRequest:
		w.Topic = r.GetTopic()
	case *bankv1.MarkConversationRequest:
		w.ReadUpTo, w.Typing = r.GetReadUpTo(), r.GetTyping()
	case *bankv1.ListConversationsRequest:
		w.OpenOnly = r.GetOpenOnly()
	case *bankv1.ListMessagesRequest:
		w.Before, out.PageSize = r.GetBefore(), int(r.GetPageSize())
	}
	return out
}
