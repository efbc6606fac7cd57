package samplebank

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	datav1 "sluice/gen/sluice/data/v1"
)

// What an agent is told. None of them reaches a partner.
var (
	errHeld    = errors.New("the consent is paused: nothing can be written until it is resumed")
	errUnknown = errors.New("the consent is being looked up: try again in a moment")
	errNoWords = errors.New("a message has 1 to 4000 characters")
)

// maxText bounds a message in characters, as the contract does.
const maxText = 4000

// mayWrite says whether the bank may write in a conversation now. What is not
// known is not permitted.
func (k *conversations) mayWrite(c *conversation) error {
	switch s := k.standing[c.consent]; {
	case !c.ended.IsZero():
		return errClosed
	case c.sample:
		return nil
	case !s.mayPermit(c.account):
		return errNotPermitted
	case s.state == held:
		return errHeld
	case s.state != inForce:
		return errUnknown
	default:
		return nil
	}
}

// open finds a conversation in which the bank may write now.
func (k *conversations) open(id string) (*conversation, error) {
	c := k.byID[id]
	if c == nil {
		return nil, errNoConversation
	}
	return c, k.mayWrite(c)
}

// change does something to a conversation in which the bank may write, and tells
// the partner what became of it.
func (k *conversations) change(id string, now time.Time, do func(c *conversation) (publish bool)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.open(id)
	if err != nil {
		return err
	}
	if do(c) {
		k.publishChange(c, now)
		k.tell()
	}
	return nil
}

// reply writes for an agent. What was there is read by that.
func (k *conversations) reply(id, agent, text string, now time.Time) error {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if n := utf8.RuneCountInString(text); n < 1 || n > maxText || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return errNoWords
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.open(id)
	if err != nil {
		return err
	}
	if len(c.messages) >= maxMessages {
		return errFull
	}
	if c.answered.IsZero() {
		c.answered, c.agent = now, agent
	}
	c.waitingSince, c.agentWrites = time.Time{}, time.Time{}
	if c.readUpToTheEnd() {
		k.publishChange(c, now)
	}
	k.publishMessage(c, c.add(&datav1.Message{Author: datav1.Author_AUTHOR_AGENT, AuthorName: agent, Text: text}, now), now)
	k.tell()
	return nil
}

// read notes that an agent has seen all that the customer wrote.
func (k *conversations) read(id string, now time.Time) error {
	return k.change(id, now, (*conversation).readUpToTheEnd)
}

// readUpToTheEnd says whether there was something new.
func (c *conversation) readUpToTheEnd() bool {
	for _, m := range slices.Backward(c.messages) {
		if m.GetAuthor() == datav1.Author_AUTHOR_CUSTOMER {
			fresh := m.GetMessageId() > c.readByBank
			c.readByBank = max(c.readByBank, m.GetMessageId())
			return fresh
		}
	}
	return false
}

// writes shows that an agent is writing. It is told again only once it would soon
// be over.
func (k *conversations) writes(id string, now time.Time) error {
	return k.change(id, now, func(c *conversation) bool {
		if c.agentWrites.After(now.Add(typingLasts / 2)) {
			return false
		}
		c.agentWrites = now.Add(typingLasts)
		return true
	})
}

// closeByBank ends a conversation, also where the bank may not write: going is
// not writing.
func (k *conversations) closeByBank(id string, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.byID[id]
	if c == nil {
		return errNoConversation
	}
	if !c.ended.IsZero() {
		return nil
	}
	c.end(datav1.ConversationEnd_CONVERSATION_END_BANK, now)
	k.publishChange(c, now)
	k.tell()
	return nil
}

// one is a copy of a conversation, and why the bank may not write in it.
func (k *conversations) one(id string) (c conversation, mayNot error, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID[id] == nil {
		return conversation{}, nil, false
	}
	return k.byID[id].copied(), k.mayWrite(k.byID[id]), true
}

// every is a copy of all of them, the oldest first, and which of them may not be written in.
func (k *conversations) every() (all []conversation, paused map[string]bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	paused = map[string]bool{}
	for _, c := range k.byID {
		all = append(all, c.copied())
		paused[c.id] = c.ended.IsZero() && !c.sample && k.standing[c.consent].state == held
	}
	slices.SortFunc(all, func(x, y conversation) int {
		if order := x.started.Compare(y.started); order != 0 {
			return order
		}
		return strings.Compare(x.id, y.id)
	})
	return all, paused
}

func (c *conversation) copied() conversation {
	out := *c
	out.messages = slices.Clone(c.messages)
	return out
}

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }
