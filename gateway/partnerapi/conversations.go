package partnerapi

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/grpc"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

// Converser is the gate, as conversations need it.
type Converser interface {
	Releaser
	Converse(ctx context.Context, ask gateway.Ask, method bank.Method) (gateway.Released, error)
}

// Sites knows where a partner's customers come back to, and so which hosts are
// the partner's.
type Sites interface {
	Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error)
}

// Conversations is ConversationService in front of a gate.
type Conversations struct {
	gate  Converser
	sites Sites
}

// NewConversations opens the door to a gate.
func NewConversations(gate Converser, sites Sites) *Conversations {
	return &Conversations{gate: gate, sites: sites}
}

// Register adds ConversationService to a server whose codec is gateway/codec.
func (c *Conversations) Register(s grpc.ServiceRegistrar) {
	desc := partnerv1.ConversationService_ServiceDesc
	asks := pulls{c.gate, desc.ServiceName}
	tells := func(m bank.Method) pulls { return pulls{telling{c, m}, desc.ServiceName} }
	// The generated handlers answer with decoded messages; these never decode.
	desc.Methods = []grpc.MethodDesc{
		method(tells(bank.StartConversation), "StartConversation", func(r *partnerv1.StartConversationRequest) (gateway.Ask, error) {
			return about(r.GetAccountId(), bank.Words{
				ClientID: r.GetClientId(), Topic: r.GetTopic(), Text: r.GetText(), Attachments: r.GetAttachments(),
			}), nil
		}),
		method(tells(bank.SendMessage), "SendMessage", func(r *partnerv1.SendMessageRequest) (gateway.Ask, error) {
			return about(r.GetAccountId(), bank.Words{
				Conversation: r.GetConversationId(), ClientID: r.GetClientId(), Text: r.GetText(), Attachments: r.GetAttachments(),
			}), nil
		}),
		method(tells(bank.MarkConversation), "MarkConversation", func(r *partnerv1.MarkConversationRequest) (gateway.Ask, error) {
			return about(r.GetAccountId(), bank.Words{
				Conversation: r.GetConversationId(), ReadUpTo: r.GetReadUpTo(), Typing: r.GetTyping(),
			}), nil
		}),
		method(tells(bank.CloseConversation), "CloseConversation", func(r *partnerv1.CloseConversationRequest) (gateway.Ask, error) {
			return about(r.GetAccountId(), bank.Words{Conversation: r.GetConversationId()}), nil
		}),
		method(asks, "ListConversations", func(r *partnerv1.ListConversationsRequest) (gateway.Ask, error) {
			return gateway.Ask{Kind: policy.Conversations, Accounts: r.GetAccountIds(), Words: bank.Words{OpenOnly: r.GetOpenOnly()}}, nil
		}),
		method(asks, "ListMessages", func(r *partnerv1.ListMessagesRequest) (gateway.Ask, error) {
			ask := about(r.GetAccountId(), bank.Words{Conversation: r.GetConversationId(), Before: r.GetBefore()})
			ask.Kind, ask.PageSize = policy.Messages, int(r.GetPageSize())
			if ask.PageSize == 0 {
				ask.PageSize = messagesPage
			}
			return ask, nil
		}),
	}
	s.RegisterService(&desc, nil)
}

// messagesPage is how many messages are listed where a call does not say.
const messagesPage = 50

// about is an ask about one account.
func about(account string, w bank.Words) gateway.Ask {
	return gateway.Ask{One: true, Accounts: []string{account}, Words: w}
}

// telling is a gate that tells the bank something.
type telling struct {
	*Conversations
	method bank.Method
}

// Release tells the bank, and releases its answer.
func (t telling) Release(ctx context.Context, ask gateway.Ask) (gateway.Released, error) {
	if err := t.fetchable(ctx, ask.Partner, ask.Words.Attachments); err != nil {
		return gateway.Released{}, err
	}
	released, err := t.gate.Converse(ctx, ask, t.method)
	if err != nil {
		return gateway.Released{}, fmt.Errorf("converse: %w", err)
	}
	return released, nil
}

// fetchable refuses files that are elsewhere than at the partner: a bank that
// fetches them is not to be sent anywhere.
func (c *Conversations) fetchable(ctx context.Context, partner consent.PartnerID, files []*datav1.Attachment) error {
	if len(files) == 0 {
		return nil
	}
	p, err := c.sites.Partner(ctx, partner)
	if err != nil {
		return fmt.Errorf("read partner: %w", err)
	}
	own := map[string]bool{}
	for _, u := range p.Client.RedirectURIs {
		own[hostOf(u)] = true
	}
	for i, f := range files {
		if host := hostOf(f.GetUrl()); host == "" || !own[host] {
			return refusal.Invalid(fmt.Sprintf("attachments[%d].url", i), "must be at a host of the partner's registered redirect_uris")
		}
	}
	return nil
}

// hostOf is where an https address leads, with its port; "" if it is none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Host), ":443")
}
