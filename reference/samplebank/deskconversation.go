package samplebank

import (
	"errors"
	"net/http"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
)

// messageView is a message as an agent sees it.
type messageView struct {
	ID, Who, Name, Text string
	At                  time.Time
	Attachments         []attachmentView
}

type attachmentView struct {
	Name, Type, Size, URL string
}

type conversationView struct {
	ID, Customer, CustomerID, Account, AccountID string
	Partner, Topic                               string
	Sample                                       bool
	Started, Ended                               time.Time
	EndedBy                                      string
	Messages                                     []messageView
	Unread, Writing                              bool
	Read                                         bool // the customer read what the bank wrote last
	Asked                                        []askedView
	State                                        string // open, paused, checking or closed: whether a reply can be written
	Why                                          string // why none can
	Consent                                      consentView
	NoAlert                                      string // why nothing can be asked about a payment
	Notice, Draft                                string
}

// conversation shows one of them.
func (d *desk) conversation(w http.ResponseWriter, r *http.Request, agent string) {
	d.showConversation(w, r, agent, http.StatusOK, "", "")
}

func (d *desk) showConversation(w http.ResponseWriter, r *http.Request, agent string, status int, notice, draft string) {
	c, mayNot, found := d.bank.talks.one(r.PathValue("id"))
	if !found {
		d.nothing(w, r, agent)
		return
	}
	v := conversationView{
		ID: c.id, Customer: c.customerName(), CustomerID: c.customer, Account: d.accountName(&c), AccountID: c.account,
		Partner: c.partner, Topic: c.topic, Sample: c.sample, Started: c.started, Ended: c.ended, EndedBy: endedBy(c.endedBy),
		Writing: c.customerWrites.After(d.bank.now()), Notice: notice, Draft: draft,
	}
	v.State, v.Why = replyState(mayNot)
	for _, m := range c.messages {
		v.Messages = append(v.Messages, shownMessage(&c, m))
		if m.GetAuthor() != datav1.Author_AUTHOR_CUSTOMER {
			v.Read = m.GetMessageId() <= c.readByCustomer
		}
		v.Unread = v.Unread || v.State == "open" && m.GetAuthor() == datav1.Author_AUTHOR_CUSTOMER && m.GetMessageId() > c.readByBank
	}
	if !c.sample {
		v.Asked = d.bank.asked(c.customer)
		v.Consent = d.consentOf(r.Context(), c.consent, c.account)
		v.NoAlert = whyUnasked
		if v.Consent.Problem == "" {
			v.NoAlert = whyNoAlert(d.warnable(r.Context(), c.customer))
		}
	}
	d.render(w, status, deskFrame{Agent: agent, Page: "conversation", Live: "/conversations/" + c.id, View: v})
}

func replyState(mayNot error) (state, why string) {
	switch {
	case mayNot == nil:
		return "open", ""
	case errors.Is(mayNot, errHeld):
		return "paused", "The consent is paused. Nothing can be written until it is resumed."
	case errors.Is(mayNot, errUnknown):
		return "checking", "The consent is being looked up. A reply can be written once it is known to be in force."
	default:
		return "closed", "The conversation has ended. Nothing more can be written."
	}
}

func shownMessage(c *conversation, m *datav1.Message) messageView {
	out := messageView{
		ID: m.GetMessageId(), Name: m.GetAuthorName(), Text: m.GetText(), At: m.GetSentAt().AsTime(),
	}
	switch m.GetAuthor() {
	case datav1.Author_AUTHOR_AGENT:
		out.Who = "agent"
	case datav1.Author_AUTHOR_BOT:
		out.Who = "bot"
	default:
		out.Who, out.Name = "customer", c.customerName()
	}
	for _, a := range m.GetAttachments() {
		out.Attachments = append(out.Attachments, attachmentView{a.GetName(), a.GetMediaType(), sizeText(a.GetSizeBytes()), a.GetUrl()})
	}
	return out
}

// reply writes what the agent typed. What can't be written stays in the box.
func (d *desk) reply(w http.ResponseWriter, r *http.Request, agent string) {
	id, text := r.PathValue("id"), r.PostFormValue("text")
	err := d.bank.talks.reply(id, agent, text, d.bank.now())
	switch {
	case errors.Is(err, errNoConversation):
		d.nothing(w, r, agent)
	case errors.Is(err, errNoWords):
		d.showConversation(w, r, agent, http.StatusUnprocessableEntity, "A message has 1 to 4000 characters. It was not sent.", text)
	case err != nil:
		d.showConversation(w, r, agent, http.StatusConflict, "The message was not sent: nothing can be written here now.", text)
	default:
		http.Redirect(w, r, "/conversations/"+id+"#reply", http.StatusSeeOther) //nolint:gosec // the id is of a conversation that there is
	}
}

// close ends a conversation for the bank.
func (d *desk) close(w http.ResponseWriter, r *http.Request, agent string) {
	if err := d.bank.talks.closeByBank(r.PathValue("id"), d.bank.now()); err != nil {
		d.nothing(w, r, agent)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// quietly is a mark that a page's script sets; there is nothing to show.
func (d *desk) quietly(do func(id string, now time.Time) error) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		switch err := do(r.PathValue("id"), d.bank.now()); {
		case errors.Is(err, errNoConversation):
			w.WriteHeader(http.StatusNotFound)
		case err != nil:
			w.WriteHeader(http.StatusConflict)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}
