package messenger

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/messenger/holding"
)

const (
	kindTalk   = "CONVERSATIONS"
	maxText    = 4000 // letters of a message
	maxTopic   = 140
	someLatest = 100 // messages that are read of a conversation
)

// conversation and message are as they are held.
type conversation struct {
	Account string
	Of      *datav1.Conversation
}

type message struct {
	Account string
	Of      *datav1.Message
}

func conversationKey(account, id string) string { return "conversation " + account + " " + id }
func messageKey(account, conversation, id string) string {
	return "message " + account + " " + conversation + " " + id
}

func talkNeeds(account string) []holding.Cover {
	return []holding.Cover{{Account: account, Kind: kindTalk}}
}

// listNames reads the names of the accounts that alerts and talk may be of.
func (m *Messenger) listNames(ctx context.Context, s *sharing) error {
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return errNotLive
	}
	names, err := m.names(ctx, s)
	for id, n := range names {
		m.holding.Keep(ticket, holding.Item{
			ID: accountKey(id), What: whatAccount, Value: n, Needs: []holding.Cover{{Account: id, Kind: "ACCOUNT_BASIC"}},
		})
	}
	return err
}

func accountKey(id string) string { return "account " + id }

// nameOf is how an account is called, as far as that is shared.
func (m *Messenger) nameOf(consent, account string) string {
	i, _ := m.holding.Get(consent, accountKey(account))
	n, _ := i.Value.(accountName)
	return n.full()
}

// listTalk reads the newest conversation and what was said in it.
func (m *Messenger) listTalk(ctx context.Context, s *sharing) error {
	if len(m.covered(s, kindTalk)) == 0 {
		return nil
	}
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return errNotLive
	}
	got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.ListConversationsResponse, error) {
		return m.conversations.ListConversations(ctx, &partnerv1.ListConversationsRequest{Access: a})
	})
	if err != nil {
		return fmt.Errorf("list conversations: %w", err)
	}
	m.keepConversations(s, ticket, got.GetAccounts())
	newest, there := newestOf(m.conversationsOf(s))
	if !there {
		return nil
	}
	said, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.ListMessagesResponse, error) {
		return m.conversations.ListMessages(ctx, &partnerv1.ListMessagesRequest{
			Access: a, AccountId: newest.Account, ConversationId: newest.Of.GetConversationId(), PageSize: someLatest,
		})
	})
	if err != nil {
		return fmt.Errorf("list messages: %w", err)
	}
	m.keepMessages(s, ticket, said.GetAccounts())
	return nil
}

func (m *Messenger) keepConversations(s *sharing, ticket holding.Ticket, accounts []*datav1.AccountConversations) {
	news := false
	for _, account := range accounts {
		for _, c := range account.GetConversations() {
			key := conversationKey(account.GetAccountId(), c.GetConversationId())
			before, _ := m.holding.Get(s.consent, key)
			b, _ := before.Value.(conversation)
			if b.Of.GetStatus() == datav1.ConversationStatus_CONVERSATION_STATUS_CLOSED && c.GetStatus() != b.Of.GetStatus() {
				continue // older news than we have: an end is an end
			}
			news = news || !proto.Equal(b.Of, c)
			m.holding.Keep(ticket, holding.Item{
				ID: key, What: whatConversation, Value: conversation{account.GetAccountId(), c}, Needs: talkNeeds(account.GetAccountId()),
			})
		}
	}
	_, open := openOf(m.conversationsOf(s))
	m.mu.Lock()
	s.talked = s.talked || open
	if news {
		m.tell(s.person)
	}
	m.mu.Unlock()
}

func (m *Messenger) keepMessages(s *sharing, ticket holding.Ticket, accounts []*datav1.AccountMessages) {
	news := false
	for _, account := range accounts {
		for _, said := range account.GetMessages() {
			key := messageKey(account.GetAccountId(), said.GetConversationId(), said.GetMessageId())
			_, known := m.holding.Get(s.consent, key)
			news = news || !known
			m.holding.Keep(ticket, holding.Item{
				ID: key, What: whatMessage, Value: message{account.GetAccountId(), said}, Needs: talkNeeds(account.GetAccountId()),
			})
		}
	}
	if news {
		m.notify(s.person)
	}
}

// conversationsOf is what is held, the newest first.
func (m *Messenger) conversationsOf(s *sharing) []conversation {
	var out []conversation
	for _, i := range m.holding.List(s.consent) {
		if c, is := i.Value.(conversation); is {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b conversation) int {
		return b.Of.GetStartedAt().AsTime().Compare(a.Of.GetStartedAt().AsTime())
	})
	return out
}

func newestOf(all []conversation) (conversation, bool) {
	if c, open := openOf(all); open {
		return c, true
	}
	if len(all) == 0 {
		return conversation{}, false
	}
	return all[0], true
}

// openOf is the newest that goes on.
func openOf(all []conversation) (conversation, bool) {
	for _, c := range all {
		if c.Of.GetStatus() == datav1.ConversationStatus_CONVERSATION_STATUS_OPEN {
			return c, true
		}
	}
	return conversation{}, false
}

// messagesOf is what is held of a conversation, as it was written.
func (m *Messenger) messagesOf(s *sharing, c conversation) []message {
	var out []message
	for _, i := range m.holding.List(s.consent) {
		if said, is := i.Value.(message); is && said.Account == c.Account && said.Of.GetConversationId() == c.Of.GetConversationId() {
			out = append(out, said)
		}
	}
	slices.SortFunc(out, func(a, b message) int { return strings.Compare(a.Of.GetMessageId(), b.Of.GetMessageId()) })
	return out
}

// say carries what a customer wrote to the bank: into the conversation that goes
// on, or as the beginning of one.
func (m *Messenger) say(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	s := m.own(p, r.PathValue("consent"))
	if s == nil || s.wish != service {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	d := draft{ID: r.PostFormValue("client_id"), Text: strings.TrimSpace(r.PostFormValue("text")), Account: r.PostFormValue("account")}
	if d.Text == "" {
		http.Redirect(w, r, "/talk/"+s.consent, http.StatusSeeOther)
		return
	}
	if d.ID == "" || len(d.ID) > 64 {
		d.ID = rand.Text()
	}
	if !utf8.ValidString(d.Text) || utf8.RuneCountInString(d.Text) > maxText {
		m.fail(w, r, http.StatusBadRequest, "trouble.long")
		return
	}
	if err := m.send(r.Context(), s, d); err != nil {
		m.config.Log.InfoContext(r.Context(), "a message was not sent", "bank", s.bank.ID, "error", err)
		d.Trouble = trouble(err)
		if reasonOf(err) == "CHANGE_NOT_POSSIBLE" {
			d.ID = "" // it may name other words at the bank
		}
		m.renderTalk(w, r, s, d)
		return
	}
	http.Redirect(w, r, "/talk/"+s.consent+"#end", http.StatusSeeOther)
}

// draft is what a customer wrote and has not sent. Its id names the message: sent
// again after a failure it is still taken once.
type draft struct{ ID, Text, Account, Trouble string }

func (m *Messenger) send(ctx context.Context, s *sharing, d draft) error {
	ticket, held := m.holding.Ticket(s.consent)
	of := m.covered(s, kindTalk)
	if !held {
		return errNotLive
	} else if len(of) == 0 {
		return errNothingShared
	}
	if c, open := openOf(m.conversationsOf(s)); open {
		if m.arrived(s, c, d) {
			return nil
		}
		got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.SendMessageResponse, error) {
			return m.conversations.SendMessage(ctx, &partnerv1.SendMessageRequest{
				Access: a, AccountId: c.Account, ConversationId: c.Of.GetConversationId(), ClientId: d.ID, Text: d.Text,
			})
		})
		if err != nil {
			m.listAgain(s)
			return fmt.Errorf("send message: %w", err)
		}
		m.keepMessages(s, ticket, got.GetAccounts())
		return nil
	}
	if !slices.Contains(of, d.Account) {
		d.Account = of[0]
	}
	got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.StartConversationResponse, error) {
		return m.conversations.StartConversation(ctx, &partnerv1.StartConversationRequest{
			Access: a, AccountId: d.Account, ClientId: d.ID, Topic: topic(d.Text), Text: d.Text,
		})
	})
	if err != nil {
		return fmt.Errorf("start conversation: %w", err)
	}
	m.keepConversations(s, ticket, got.GetAccounts())
	m.listAgain(s)
	return m.listTalk(ctx, s)
}

// arrived says that the bank has a message already: as the beginning of the
// conversation it would not take it again.
func (m *Messenger) arrived(s *sharing, c conversation, d draft) bool {
	return slices.ContainsFunc(m.messagesOf(s, c), func(had message) bool {
		return had.Of.GetClientId() == d.ID && had.Of.GetText() == d.Text
	})
}

// topic is the first line of a text, as far as it may be one.
func topic(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	letters := []rune(strings.TrimSpace(line))
	if len(letters) > maxTopic {
		return string(letters[:maxTopic-1]) + "…"
	}
	return string(letters)
}

// listAgain makes the next page read what goes on at the bank.
func (m *Messenger) listAgain(s *sharing) {
	m.mu.Lock()
	s.listed = time.Time{}
	m.mu.Unlock()
}

// mark tells the bank that the customer is writing.
func (m *Messenger) mark(w http.ResponseWriter, r *http.Request) {
	s := m.own(m.visitor(r), r.PathValue("consent"))
	if s == nil {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	if c, open := openOf(m.conversationsOf(s)); open {
		m.tellBank(r.Context(), s, c, "", r.PostFormValue("typing") == "1")
	}
	w.WriteHeader(http.StatusNoContent)
}

// tellBank says what the customer does. If it does not arrive nothing is lost.
func (m *Messenger) tellBank(ctx context.Context, s *sharing, c conversation, readUpTo string, typing bool) {
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return
	}
	got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.MarkConversationResponse, error) {
		return m.conversations.MarkConversation(ctx, &partnerv1.MarkConversationRequest{
			Access: a, AccountId: c.Account, ConversationId: c.Of.GetConversationId(), ReadUpTo: readUpTo, Typing: typing,
		})
	})
	if err != nil {
		m.config.Log.InfoContext(ctx, "a mark was not taken", "bank", s.bank.ID, "error", err)
		return
	}
	m.keepConversations(s, ticket, got.GetAccounts())
}

// closeTalk ends the conversation.
func (m *Messenger) closeTalk(w http.ResponseWriter, r *http.Request) {
	s := m.own(m.visitor(r), r.PathValue("consent"))
	if s == nil {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	ticket, held := m.holding.Ticket(s.consent)
	if c, open := openOf(m.conversationsOf(s)); open && held {
		got, err := call(r.Context(), m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.CloseConversationResponse, error) {
			return m.conversations.CloseConversation(ctx, &partnerv1.CloseConversationRequest{
				Access: a, AccountId: c.Account, ConversationId: c.Of.GetConversationId(),
			})
		})
		if err != nil {
			m.listAgain(s)
			m.renderTalk(w, r, s, draft{Trouble: trouble(err)})
			return
		}
		m.keepConversations(s, ticket, got.GetAccounts())
	}
	http.Redirect(w, r, "/talk/"+s.consent, http.StatusSeeOther)
}
