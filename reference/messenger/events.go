package messenger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/metadata"

	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	credits   = 50
	firstWait = 200 * time.Millisecond
	longWait  = 30 * time.Second
	// goodFor is how long a stream must have lasted for the next one to be opened at once.
	goodFor = time.Minute
)

// listen takes events from one stream after the other: each ends some time.
func (m *Messenger) listen(ctx context.Context) error {
	wait := firstWait
	for {
		begun := m.config.Now()
		took, err := m.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.config.Log.InfoContext(ctx, "the stream of events ended", "error", err)
		if took || m.config.Now().Sub(begun) > goodFor {
			wait = firstWait
		}
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
		wait = min(2*wait, longWait)
	}
}

// follow takes events from one stream, and says whether any came.
func (m *Messenger) follow(ctx context.Context) (bool, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	token, err := m.ours.Token(ctx)
	if err != nil {
		return false, fmt.Errorf("subscribe: %w", err)
	}
	stream, err := m.events.Subscribe(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token))
	if err != nil {
		return false, fmt.Errorf("subscribe: %w", err)
	}
	if err := stream.Send(&partnerv1.SubscribeRequest{Credits: credits}); err != nil {
		return false, fmt.Errorf("give credit: %w", err)
	}
	for took := false; ; took = true {
		got, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return took, nil
		} else if err != nil {
			if reasonOf(err) == "TOKEN_INVALID" {
				m.ours.Stale()
			}
			return took, fmt.Errorf("take events: %w", err)
		}
		answer := &partnerv1.SubscribeRequest{Credits: int32(len(got.GetEvents()))}
		for _, e := range got.GetEvents() {
			done := &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()}
			if err := m.take(ctx, e); err != nil {
				m.config.Log.WarnContext(ctx, "an event could not be taken", "kind", e.GetKind().String(), "error", err)
				done.Error = "it could not be taken now"
			}
			answer.Acknowledgements = append(answer.Acknowledgements, done)
		}
		if err := stream.Send(answer); err != nil {
			return took, fmt.Errorf("acknowledge: %w", err)
		}
	}
}

// takeFor is how long one event may take: those of all customers wait behind it,
// and it comes again.
const takeFor = 3 * time.Second

// take does what an event says. When it returns without an error that is done, and
// the event may be acknowledged. It may be done again.
func (m *Messenger) take(ctx context.Context, e *partnerv1.Event) error {
	ctx, done := context.WithTimeout(ctx, takeFor)
	defer done()
	m.mu.Lock()
	s := m.sharings[e.GetConsentId()]
	m.mu.Unlock()
	if s == nil {
		return nil // of somebody we have forgotten: there is nothing to hold it for
	}
	switch e.GetKind() {
	case partnerv1.EventKind_EVENT_KIND_CONSENT_CHANGED:
		return m.takeChange(ctx, s, e.GetConsentChanged())
	case partnerv1.EventKind_EVENT_KIND_ACCOUNT_LEFT:
		m.holding.Drop(s.consent, e.GetAccountLeft().GetAccountId())
		m.notify(s.person)
		return m.reread(ctx, s)
	default:
	}
	if m.standing(s) != live {
		// It was let out, so the consent held: perhaps we have not heard of that.
		if err := m.refresh(ctx, s); err != nil {
			return err
		}
	}
	ticket, held := m.holding.Ticket(s.consent)
	if !held {
		return nil
	}
	switch e.GetKind() {
	case partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RESOLVED:
		m.keepAlerts(s, ticket, e.GetAlert().GetAccounts())
	case partnerv1.EventKind_EVENT_KIND_CONVERSATION_MESSAGE:
		m.keepMessages(s, ticket, e.GetMessage().GetAccounts())
	case partnerv1.EventKind_EVENT_KIND_CONVERSATION_CHANGED:
		m.keepConversations(s, ticket, e.GetConversation().GetAccounts())
	default: // nothing that we asked for
	}
	return nil
}

// takeChange goes by a change of a consent. What it ends is gone at once; what it
// makes smaller is read, and if that can't be nothing is kept of it.
func (m *Messenger) takeChange(ctx context.Context, s *sharing, c *consentv1.Change) error {
	m.mu.Lock()
	old := c.GetRevision() < s.revision
	if !old && standingOf(c.GetStatus()) == over {
		m.settleLocked(s, over, overBy(c.GetStatus(), c.GetReason()))
	} else if !old && standingOf(c.GetStatus()) != live {
		m.settleLocked(s, standingOf(c.GetStatus()), restBy(c.GetStatus()))
		s.revision = c.GetRevision()
	}
	known := old || s.standing == over || c.GetRevision() == s.revision
	m.mu.Unlock()
	if known {
		return nil
	}
	return m.reread(ctx, s)
}

// reread reads a consent of which we know that it changed.
func (m *Messenger) reread(ctx context.Context, s *sharing) error {
	err := m.refresh(ctx, s)
	if err != nil {
		m.settle(s, resting, "rest.unknown")
	}
	return err
}
