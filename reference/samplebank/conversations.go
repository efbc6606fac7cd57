package samplebank

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	datav1 "sluice/gen/sluice/data/v1"
)

// Bounds of what is kept. A customer who needs more calls the bank.
const (
	maxConversations = 10_000
	maxOfConsent     = 100   // conversations of one consent that go on
	maxMessages      = 1_000 // of one conversation
	typingLasts      = 10 * time.Second
)

// conversations is what customers and the bank said to each other. It is in
// memory, as all of the sample banks' own is: a restart forgets it. A bank in
// earnest keeps it.
type conversations struct {
	mu       sync.Mutex
	byID     map[string]*conversation
	taken    map[clientKey]*datav1.Message // what became of partners' messages
	standing map[string]standing           // of the consents that conversations run under
	outgoing []outgoing
	changed  chan struct{} // closed and made anew when something changes
}

func newConversations() *conversations {
	return &conversations{
		byID: map[string]*conversation{}, taken: map[clientKey]*datav1.Message{},
		standing: map[string]standing{}, changed: make(chan struct{}),
	}
}

// party is whom a conversation belongs to. It is answered to no other.
type party struct{ partner, consent, customer, account string }

// clientKey is how a partner names a message, so that it is taken once.
type clientKey struct{ partner, consent, id string }

// conversation is one exchange. Its messages are never changed; copies may share
// them.
type conversation struct {
	party

	id, topic string
	sample    bool   // a question of a data set: of no customer, and never published
	agent     string // the first who answered
	messages  []*datav1.Message

	started, ended time.Time
	endedBy        datav1.ConversationEnd
	waitingSince   time.Time // since when the customer waits for a person; zero: does not
	answered       time.Time // when a person first wrote

	readByBank, readByCustomer  string
	agentWrites, customerWrites time.Time // until when each is shown to be writing
}

// words are what a customer writes.
type words struct {
	client, text string
	attachments  []*datav1.Attachment
}

// are says whether a message has just these words.
func (w words) are(m *datav1.Message) bool {
	return m.GetText() == w.text && slices.EqualFunc(m.GetAttachments(), w.attachments, func(a, b *datav1.Attachment) bool { return proto.Equal(a, b) })
}

var (
	errNoConversation = status.Error(codes.NotFound, "there is no such conversation")
	errClosed         = status.Error(codes.FailedPrecondition, "the conversation has ended")
	errNotPermitted   = status.Error(codes.FailedPrecondition, "the consent does not permit the conversation")
	errOtherMessage   = status.Error(codes.AlreadyExists, "client_id names another message")
	errFull           = status.Error(codes.FailedPrecondition, "there are too many open conversations, or messages in this one")
	errNoRoom         = status.Error(codes.ResourceExhausted, "the bank keeps no more conversations")
)

// start begins a conversation with its first message, once.
func (k *conversations) start(p party, topic string, w words, now time.Time) (*datav1.Conversation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if had := k.taken[clientKey{p.partner, p.consent, w.client}]; had != nil {
		c := k.byID[had.GetConversationId()]
		if c == nil || c.party != p || c.messages[0] != had || c.topic != topic || !w.are(had) {
			return nil, errOtherMessage
		}
		return c.shown(now), nil
	}
	if !k.standing[p.consent].mayPermit(p.account) {
		return nil, errNotPermitted
	}
	if k.openOf(p.consent) >= maxOfConsent {
		return nil, errFull
	}
	if !k.room() {
		return nil, errNoRoom
	}
	c := &conversation{party: p, id: "cv_" + rand.Text(), topic: topic, started: now}
	k.byID[c.id] = c
	k.hear(c, w, now)
	return c.shown(now), nil
}

func (k *conversations) openOf(consent string) int {
	n := 0
	for _, c := range k.byID {
		if c.consent == consent && c.ended.IsZero() {
			n++
		}
	}
	return n
}

// room forgets the conversation that ended first if there are too many.
func (k *conversations) room() bool {
	if len(k.byID) < maxConversations {
		return true
	}
	var oldest *conversation
	for _, c := range k.byID {
		if !c.ended.IsZero() && (oldest == nil || c.ended.Before(oldest.ended)) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	delete(k.byID, oldest.id)
	for key, m := range k.taken {
		if m.GetConversationId() == oldest.id {
			delete(k.taken, key)
		}
	}
	return true
}

// send takes a further message of the customer, once.
func (k *conversations) send(p party, id string, w words, now time.Time) (*datav1.Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.of(p, id)
	if err != nil {
		return nil, err
	}
	if had := k.taken[clientKey{p.partner, p.consent, w.client}]; had != nil {
		if had.GetConversationId() != id || c.messages[0] == had || !w.are(had) {
			return nil, errOtherMessage
		}
		return had, nil
	}
	switch {
	case !c.ended.IsZero():
		return nil, errClosed
	case !k.standing[p.consent].mayPermit(p.account):
		return nil, errNotPermitted
	case len(c.messages) >= maxMessages-1: // a bank's program may answer
		return nil, errFull
	}
	return k.hear(c, w, now), nil
}

// of is a party's conversation.
func (k *conversations) of(p party, id string) (*conversation, error) {
	c := k.byID[id]
	if c == nil || c.sample || c.party != p {
		return nil, errNoConversation
	}
	return c, nil
}

// hear keeps what the customer wrote, and lets the bank's program answer.
func (k *conversations) hear(c *conversation, w words, now time.Time) *datav1.Message {
	m := c.add(&datav1.Message{
		Author: datav1.Author_AUTHOR_CUSTOMER, Text: w.text, Attachments: w.attachments, ClientId: w.client,
	}, now)
	k.taken[clientKey{c.partner, c.consent, w.client}] = m
	c.customerWrites = time.Time{}
	if c.waitingSince.IsZero() {
		c.waitingSince = now
	}
	if text := botAnswer(c, w.text); text != "" {
		k.publishMessage(c, c.add(&datav1.Message{Author: datav1.Author_AUTHOR_BOT, AuthorName: botName, Text: text}, now), now)
	}
	k.tell()
	return m
}

// mark notes what the customer has read, which is never less than before, and
// whether they write.
func (k *conversations) mark(p party, id, readUpTo string, typing bool, now time.Time) (*datav1.Conversation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.of(p, id)
	switch {
	case err != nil:
		return nil, err
	case !c.ended.IsZero():
		return nil, errClosed
	case !k.standing[p.consent].mayPermit(p.account):
		return nil, errNotPermitted
	case readUpTo != "" && !c.has(readUpTo):
		return nil, status.Error(codes.InvalidArgument, "read_up_to is no message of the conversation")
	}
	c.readByCustomer = max(c.readByCustomer, readUpTo)
	c.customerWrites = time.Time{}
	if typing {
		c.customerWrites = now.Add(typingLasts)
	}
	k.tell()
	return c.shown(now), nil
}

// closeFor ends a conversation for its customer. One that has ended stays as it is.
func (k *conversations) closeFor(p party, id string, now time.Time) (*datav1.Conversation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.of(p, id)
	if err != nil {
		return nil, err
	}
	if c.ended.IsZero() {
		c.end(datav1.ConversationEnd_CONVERSATION_END_CUSTOMER, now)
		k.tell()
	}
	return c.shown(now), nil
}

// maxListed is how many conversations of an account are listed.
const maxListed = 100

// list are a party's conversations, the newest first.
func (k *conversations) list(p party, openOnly bool, now time.Time) []*datav1.Conversation {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []*conversation
	for _, c := range k.byID {
		if c.party == p && !c.sample && (c.ended.IsZero() || !openOnly) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(x, y *conversation) int {
		if order := y.started.Compare(x.started); order != 0 {
			return order
		}
		return strings.Compare(x.id, y.id)
	})
	var out []*datav1.Conversation
	for _, c := range found[:min(len(found), maxListed)] {
		out = append(out, c.shown(now))
	}
	return out
}

// page are so many messages before one, or the newest; oldest first.
func (k *conversations) page(p party, id, before string, size int) ([]*datav1.Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.of(p, id)
	if err != nil {
		return nil, err
	}
	end := len(c.messages)
	if before != "" {
		if end = slices.IndexFunc(c.messages, func(m *datav1.Message) bool { return m.GetMessageId() == before }); end < 0 {
			return nil, status.Error(codes.InvalidArgument, "before is no message of the conversation")
		}
	}
	return slices.Clone(c.messages[max(0, end-size):end]), nil
}

// show has pages shown anew for something that is of no conversation.
func (k *conversations) show() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell()
}

// tell wakes those who wait for a change; under the lock.
func (k *conversations) tell() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// wait is closed with the next change.
func (k *conversations) wait() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// add gives a message its place. Ids of one conversation sort as its messages
// were written.
func (c *conversation) add(m *datav1.Message, now time.Time) *datav1.Message {
	m.MessageId = fmt.Sprintf("%s.%06d", c.id, len(c.messages)+1)
	m.ConversationId, m.ConsentId, m.SentAt = c.id, c.consent, stamp(now)
	c.messages = append(c.messages, m)
	return m
}

func (c *conversation) has(message string) bool {
	return slices.ContainsFunc(c.messages, func(m *datav1.Message) bool { return m.GetMessageId() == message })
}

func (c *conversation) last() *datav1.Message { return c.messages[len(c.messages)-1] }

func (c *conversation) end(by datav1.ConversationEnd, now time.Time) {
	c.ended, c.endedBy = now, by
	c.waitingSince, c.agentWrites, c.customerWrites = time.Time{}, time.Time{}, time.Time{}
}

// shown is the conversation as the contract has it.
func (c *conversation) shown(now time.Time) *datav1.Conversation {
	out := &datav1.Conversation{
		ConversationId: c.id, ConsentId: c.consent, Status: datav1.ConversationStatus_CONVERSATION_STATUS_OPEN, Topic: c.topic,
		StartedAt: stamp(c.started), LastMessageAt: c.last().GetSentAt(), ReadUpTo: c.readByBank,
	}
	if c.agentWrites.After(now) {
		out.TypingUntil = stamp(c.agentWrites)
	}
	if !c.ended.IsZero() {
		out.Status, out.EndedAt, out.EndedBy = datav1.ConversationStatus_CONVERSATION_STATUS_CLOSED, stamp(c.ended), c.endedBy
	}
	return out
}
