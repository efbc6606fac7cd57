package samplebank

import (
	"context"
	"fmt"
	"time"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// maxOutgoing bounds what waits for a Publisher. What is too much is dropped, the
// oldest first: a partner finds it when it lists messages.
const maxOutgoing = 1_000

// outgoing is an event that is to be published, and of which conversation.
type outgoing struct {
	of    *conversation // nil: of none
	event *bankv1.FeedEvent
}

func (k *conversations) publishMessage(c *conversation, m *datav1.Message, now time.Time) {
	k.publish(c, &bankv1.FeedEvent{
		AccountId: c.account, OccurredAt: stamp(now), What: &bankv1.FeedEvent_ConversationMessage{ConversationMessage: m},
	})
}

func (k *conversations) publishChange(c *conversation, now time.Time) {
	k.publish(c, &bankv1.FeedEvent{
		AccountId: c.account, OccurredAt: stamp(now), What: &bankv1.FeedEvent_ConversationChanged{ConversationChanged: c.shown(now)},
	})
}

func (k *conversations) publish(c *conversation, e *bankv1.FeedEvent) {
	if c != nil && c.sample {
		return
	}
	k.outgoing = append(k.outgoing, outgoing{c, e})
	k.outgoing = k.outgoing[max(0, len(k.outgoing)-maxOutgoing):]
}

// next takes what is to be published next, or says what to wait for. Of a
// conversation that ended with its consent nothing is.
func (k *conversations) next() (*bankv1.FeedEvent, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.outgoing) > 0 {
		first := k.outgoing[0]
		k.outgoing = k.outgoing[1:]
		if first.of == nil || first.of.endedBy != datav1.ConversationEnd_CONVERSATION_END_CONSENT {
			return first.event, nil
		}
	}
	return nil, k.changed
}

// Talk publishes what the bank's agents and its program write and do, in the
// sequence of the account that it is about, between what a Replay publishes. It
// ends with ctx, or when the gateway takes nothing from this bank. One at a time
// may run; what happens while none does waits for the next, within bounds. An
// account whose feed has stopped does not stop the others.
func (b *Bank) Talk(ctx context.Context, p *Publisher) error {
	known := map[string]bool{}
	for {
		e, changed := b.talks.next()
		if e == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			continue
		}
		account := e.GetAccountId()
		if !known[account] {
			// New events are numbered behind all that the gateway has, so that no
			// number is used twice, whatever this process has forgotten.
			if _, err := p.Resume(ctx, account); err != nil {
				return endOf(ctx, fmt.Errorf("talk about %s: %w", account, err))
			}
			known[account] = true
		}
		if err := p.Put(ctx, account, e); err != nil {
			if ctx.Err() != nil || p.isRefused() {
				return endOf(ctx, err)
			}
			p.config.Cut(err)
		}
	}
}

// endOf is nil if it was to end.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func (p *Publisher) isRefused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused != nil
}
