package messenger

import (
	"crypto/rand"
	"net/http"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
)

// talkPage is the chat with a bank.
type talkPage struct {
	Consent, Bank string
	Alerts        alertCards
	Topic         string
	Messages      []said
	Typing        bool
	TypingFor     int64  // milliseconds
	Ended         string // a text: why a conversation is over, or there can be none
	Resume        string // where the customer goes on with what he paused
	Open          bool   // it goes on, and may be closed
	MayWrite      bool
	Shape         string // the composer's: it is the same one as long as this is
	Draft         draft
	Accounts      []choice // if there is a choice
}

type choice struct {
	ID, Name string
	Chosen   bool
}

// said is a message as it is shown.
type said struct {
	ID, Text, Author string
	Own, Bot, Read   bool
	At               time.Time
	Files            []*datav1.Attachment
}

func (m *Messenger) showTalk(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	s := m.own(p, r.PathValue("consent"))
	if s == nil || s.wish != service {
		m.fail(w, r, http.StatusNotFound, "trouble.page")
		return
	}
	m.look(r.Context(), p)
	m.renderTalk(w, r, s, draft{})
}

func (m *Messenger) renderTalk(w http.ResponseWriter, r *http.Request, s *sharing, d draft) {
	if d.ID == "" {
		d.ID = rand.Text()
	}
	page := talkPage{Consent: s.consent, Bank: s.bank.Name, Alerts: m.alertCards(s.person, "/talk/"+s.consent), Draft: d, Shape: "none"}
	switch standing := m.standing(s); {
	case standing == over && m.talkedIn(s):
		page.Ended = "talk.closed_over"
	case standing == over:
		page.Ended = "talk.over"
	case standing != live:
		page.Ended = "talk.resting"
		if e, rests := m.rest(s); rests && e.key == "say.paused" {
			page.Ended, page.Resume = "talk.paused", m.dashboardOf(s)
		}
	case len(m.covered(s, kindTalk)) == 0:
		page.Ended = "talk.not_shared"
	default:
		m.fillTalk(r, s, &page)
	}
	m.render(w, r, http.StatusOK, "talk", page)
}

func (m *Messenger) fillTalk(r *http.Request, s *sharing, page *talkPage) {
	page.MayWrite, page.Shape = true, "begin"
	c, there := newestOf(m.conversationsOf(s))
	if there {
		page.Topic = c.Of.GetTopic()
		m.fillMessages(r, s, c, page)
		if len(page.Messages) > 0 && topic(page.Messages[0].Text) == page.Topic {
			page.Topic = "" // it is said right below
		}
	}
	if page.Open = there && c.Of.GetStatus() == datav1.ConversationStatus_CONVERSATION_STATUS_OPEN; page.Open {
		page.Shape = "go-on"
		typing := stamp(c.Of.GetTypingUntil()).Sub(m.config.Now())
		page.Typing, page.TypingFor = typing > 0, typing.Milliseconds()
		return
	}
	if there {
		page.Ended = endedBy(c.Of.GetEndedBy())
	}
	of := m.covered(s, kindTalk)
	for _, id := range of {
		name := m.nameOf(s.consent, id)
		if name == "" {
			name = id
		}
		page.Accounts = append(page.Accounts, choice{id, name, id == page.Draft.Account})
	}
	if len(of) < 2 {
		page.Accounts = nil
	}
}

func endedBy(e datav1.ConversationEnd) string {
	switch e {
	case datav1.ConversationEnd_CONVERSATION_END_CUSTOMER:
		return "talk.ended.customer"
	case datav1.ConversationEnd_CONVERSATION_END_CONSENT:
		return "talk.ended.consent"
	default:
		return "talk.ended.bank"
	}
}

// fillMessages shows what was said, and tells the bank that it is read.
func (m *Messenger) fillMessages(r *http.Request, s *sharing, c conversation, page *talkPage) {
	last := ""
	for _, one := range m.messagesOf(s, c) {
		own := one.Of.GetAuthor() == datav1.Author_AUTHOR_CUSTOMER
		page.Messages = append(page.Messages, said{
			ID: one.Of.GetMessageId(), Text: one.Of.GetText(), Author: one.Of.GetAuthorName(), Own: own,
			Bot: one.Of.GetAuthor() == datav1.Author_AUTHOR_BOT, At: stamp(one.Of.GetSentAt()), Files: one.Of.GetAttachments(),
			Read: own && c.Of.GetReadUpTo() >= one.Of.GetMessageId(),
		})
		if !own {
			last = one.Of.GetMessageId()
		}
	}
	m.mu.Lock()
	newer := last > s.seenOf(c)
	if newer {
		s.seenIn, s.seen = conversationKey(c.Account, c.Of.GetConversationId()), last
	}
	m.mu.Unlock()
	if newer && c.Of.GetStatus() == datav1.ConversationStatus_CONVERSATION_STATUS_OPEN {
		m.tellBank(r.Context(), s, c, last, false)
	}
}

// seenOf is the bank's last message of a conversation that was shown. Messages' ids
// say nothing across conversations.
func (s *sharing) seenOf(c conversation) string {
	if s.seenIn != conversationKey(c.Account, c.Of.GetConversationId()) {
		return ""
	}
	return s.seen
}

// unread says that the bank wrote something that was not shown yet.
func (m *Messenger) unread(s *sharing) bool {
	c, there := newestOf(m.conversationsOf(s))
	if !there {
		return false
	}
	m.mu.Lock()
	seen := s.seenOf(c)
	m.mu.Unlock()
	for _, one := range m.messagesOf(s, c) {
		if one.Of.GetAuthor() != datav1.Author_AUTHOR_CUSTOMER && one.Of.GetMessageId() > seen {
			return true
		}
	}
	return false
}

func (m *Messenger) talkedIn(s *sharing) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.talked
}
