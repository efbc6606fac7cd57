package messenger_test

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func (g *gateway) StartConversation(ctx context.Context, r *partnerv1.StartConversationRequest) (*partnerv1.StartConversationResponse, error) {
	if _, err := g.admit(ctx, "StartConversation", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c := &datav1.Conversation{
		ConversationId: fmt.Sprintf("talk%d", len(g.conversations)+1), ConsentId: r.GetAccess().GetConsentId(), Topic: r.GetTopic(),
		Status: datav1.ConversationStatus_CONVERSATION_STATUS_OPEN, StartedAt: timestamppb.New(g.now),
	}
	g.conversations = append(g.conversations, c)
	g.write(c, datav1.Author_AUTHOR_CUSTOMER, r.GetText(), r.GetClientId())
	return &partnerv1.StartConversationResponse{Accounts: ofConversation(c)}, nil
}

func (g *gateway) write(c *datav1.Conversation, by datav1.Author, text, clientID string) *datav1.Message {
	for _, m := range g.messages {
		if clientID != "" && m.GetClientId() == clientID {
			return m
		}
	}
	m := &datav1.Message{
		MessageId: fmt.Sprintf("m%03d", len(g.messages)+1), ConversationId: c.GetConversationId(), ConsentId: c.GetConsentId(),
		Author: by, Text: text, SentAt: timestamppb.New(g.now), ClientId: clientID,
	}
	if by == datav1.Author_AUTHOR_AGENT {
		m.AuthorName = "Anna"
	}
	g.messages = append(g.messages, m)
	return m
}

func ofConversation(c ...*datav1.Conversation) []*datav1.AccountConversations {
	return []*datav1.AccountConversations{{AccountId: account1, Conversations: c}}
}

func ofMessage(m ...*datav1.Message) []*datav1.AccountMessages {
	return []*datav1.AccountMessages{{AccountId: account1, Messages: m}}
}

func (g *gateway) conversation(id string) *datav1.Conversation {
	for _, c := range g.conversations {
		if c.GetConversationId() == id {
			return c
		}
	}
	return nil
}

func (g *gateway) SendMessage(ctx context.Context, r *partnerv1.SendMessageRequest) (*partnerv1.SendMessageResponse, error) {
	if _, err := g.admit(ctx, "SendMessage", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return &partnerv1.SendMessageResponse{Accounts: ofMessage(g.write(g.conversation(r.GetConversationId()), datav1.Author_AUTHOR_CUSTOMER, r.GetText(), r.GetClientId()))}, nil
}

func (g *gateway) MarkConversation(ctx context.Context, r *partnerv1.MarkConversationRequest) (*partnerv1.MarkConversationResponse, error) {
	if _, err := g.admit(ctx, "MarkConversation", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marks = append(g.marks, r)
	return &partnerv1.MarkConversationResponse{Accounts: ofConversation(g.conversation(r.GetConversationId()))}, nil
}

func (g *gateway) CloseConversation(ctx context.Context, r *partnerv1.CloseConversationRequest) (*partnerv1.CloseConversationResponse, error) {
	if _, err := g.admit(ctx, "CloseConversation", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, c := range g.conversations {
		if c.GetConversationId() == r.GetConversationId() {
			c = proto.CloneOf(c)
			c.Status, c.EndedBy = datav1.ConversationStatus_CONVERSATION_STATUS_CLOSED, datav1.ConversationEnd_CONVERSATION_END_CUSTOMER
			g.conversations[i] = c
		}
	}
	return &partnerv1.CloseConversationResponse{Accounts: ofConversation(g.conversation(r.GetConversationId()))}, nil
}

func (g *gateway) ListConversations(ctx context.Context, r *partnerv1.ListConversationsRequest) (*partnerv1.ListConversationsResponse, error) {
	if _, err := g.admit(ctx, "ListConversations", r.GetAccess(), "", datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return &partnerv1.ListConversationsResponse{Accounts: ofConversation(slices.Clone(g.conversations)...)}, nil
}

func (g *gateway) ListMessages(ctx context.Context, r *partnerv1.ListMessagesRequest) (*partnerv1.ListMessagesResponse, error) {
	if _, err := g.admit(ctx, "ListMessages", r.GetAccess(), r.GetAccountId(), datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return &partnerv1.ListMessagesResponse{Accounts: ofMessage(slices.Clone(g.messages)...)}, nil
}
