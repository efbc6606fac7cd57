package samplebank

import (
	"context"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// StartConversation starts one, and lets the bank's program answer first.
func (b *Bank) StartConversation(_ context.Context, r *bankv1.StartConversationRequest) (*bankv1.StartConversationResponse, error) {
	p, failures, err := b.about(r, r.GetParty())
	if err != nil || failures != nil {
		return &bankv1.StartConversationResponse{Failures: failures}, err
	}
	c, err := b.talks.start(p, r.GetTopic(), words{r.GetClientId(), r.GetText(), r.GetAttachments()}, b.now())
	if err != nil {
		return nil, err
	}
	return &bankv1.StartConversationResponse{Accounts: inAccount(p, c)}, nil
}

// SendMessage takes a further message.
func (b *Bank) SendMessage(_ context.Context, r *bankv1.SendMessageRequest) (*bankv1.SendMessageResponse, error) {
	p, failures, err := b.about(r, r.GetParty())
	if err != nil || failures != nil {
		return &bankv1.SendMessageResponse{Failures: failures}, err
	}
	m, err := b.talks.send(p, r.GetConversationId(), words{r.GetClientId(), r.GetText(), r.GetAttachments()}, b.now())
	if err != nil {
		return nil, err
	}
	return &bankv1.SendMessageResponse{Accounts: []*datav1.AccountMessages{{AccountId: p.account, Messages: []*datav1.Message{m}}}}, nil
}

// MarkConversation notes what the customer has read, and that they write.
func (b *Bank) MarkConversation(_ context.Context, r *bankv1.MarkConversationRequest) (*bankv1.MarkConversationResponse, error) {
	p, failures, err := b.about(r, r.GetParty())
	if err != nil || failures != nil {
		return &bankv1.MarkConversationResponse{Failures: failures}, err
	}
	c, err := b.talks.mark(p, r.GetConversationId(), r.GetReadUpTo(), r.GetTyping(), b.now())
	if err != nil {
		return nil, err
	}
	return &bankv1.MarkConversationResponse{Accounts: inAccount(p, c)}, nil
}

// CloseConversation ends one for the customer.
func (b *Bank) CloseConversation(_ context.Context, r *bankv1.CloseConversationRequest) (*bankv1.CloseConversationResponse, error) {
	p, failures, err := b.about(r, r.GetParty())
	if err != nil || failures != nil {
		return &bankv1.CloseConversationResponse{Failures: failures}, err
	}
	c, err := b.talks.closeFor(p, r.GetConversationId(), b.now())
	if err != nil {
		return nil, err
	}
	return &bankv1.CloseConversationResponse{Accounts: inAccount(p, c)}, nil
}

// ListConversations answers those of the consent, account by account.
func (b *Bank) ListConversations(_ context.Context, r *bankv1.ListConversationsRequest) (*bankv1.ListConversationsResponse, error) {
	if err := asTheContractSays(r); err != nil {
		return nil, err
	}
	found, failures, err := b.find(r.GetParty().GetSubject())
	if err != nil {
		return nil, err
	}
	out := &bankv1.ListConversationsResponse{Failures: failures}
	for _, a := range found {
		out.Accounts = append(out.Accounts, &datav1.AccountConversations{
			AccountId: a.id, Conversations: b.talks.list(partyOf(r.GetParty(), a), r.GetOpenOnly(), b.now()),
		})
	}
	return out, nil
}

// defaultPage is how many messages are answered if it is not said.
const defaultPage = 50

// ListMessages answers messages of one conversation, page by page into the past.
func (b *Bank) ListMessages(_ context.Context, r *bankv1.ListMessagesRequest) (*bankv1.ListMessagesResponse, error) {
	p, failures, err := b.about(r, r.GetParty())
	if err != nil || failures != nil {
		return &bankv1.ListMessagesResponse{Failures: failures}, err
	}
	size := int(r.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	messages, err := b.talks.page(p, r.GetConversationId(), r.GetBefore(), size)
	if err != nil {
		return nil, err
	}
	return &bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{{AccountId: p.account, Messages: messages}}}, nil
}

// about is the party of a call that is about one account; an account that is not
// the customer's is said in failures.
func (b *Bank) about(r proto.Message, p *bankv1.Party) (party, []*bankv1.AccountFailure, error) {
	if err := asTheContractSays(r); err != nil {
		return party{}, nil, err
	}
	if len(p.GetSubject().GetAccountIds()) != 1 {
		return party{}, nil, status.Error(codes.InvalidArgument, "party.subject.account_ids must name one account")
	}
	found, failures, err := b.find(p.GetSubject())
	if err != nil || len(found) == 0 {
		return party{}, failures, err
	}
	return partyOf(p, found[0]), nil, nil
}

func partyOf(p *bankv1.Party, a *account) party {
	return party{p.GetPartnerId(), p.GetConsentId(), p.GetSubject().GetCustomerId(), a.id}
}

// asTheContractSays holds a request against the rules in the contract, so that
// what is kept is bounded.
func asTheContractSays(r proto.Message) error {
	if err := protovalidate.Validate(r); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return nil
}

func inAccount(p party, c *datav1.Conversation) []*datav1.AccountConversations {
	return []*datav1.AccountConversations{{AccountId: p.account, Conversations: []*datav1.Conversation{c}}}
}
