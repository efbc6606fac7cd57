package partnerapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/feed"
	"sluice/gateway"
	"sluice/gateway/consentview"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/mutant"
	"sluice/policy"
	"sluice/refusal"
)

const (
	// atOnce is how many deliveries of one call pass the gate at once, so that
	// they share commits.
	atOnce = 32
	// tries is how often a delivery is tried whose consent changes meanwhile.
	tries = 3
)

// The fields of partner.v1's messages that are written without decoding what
// they hold; a test holds the contract to it.
const (
	eventsField      protowire.Number = 1 // of SubscribeResponse and PullEventsResponse
	transactionField protowire.Number = 10
	balanceField     protowire.Number = 11
	alertField       protowire.Number = 12
	messageField     protowire.Number = 15
	talkField        protowire.Number = 16
)

// message is a response made of encoded events.
type message struct{ encoded []byte }

// Encoded is the response, ready for the wire.
func (m message) Encoded() []byte { return m.encoded }

func (m *message) add(event []byte) {
	m.encoded = protowire.AppendTag(m.encoded, eventsField, protowire.BytesType)
	m.encoded = protowire.AppendBytes(m.encoded, event)
}

// done is a delivery that passed the gate, or did not.
type done struct {
	delivery feed.Delivery
	encoded  []byte
	released *leaving // nil if nothing was released
	err      error
}

// leaving is a release whose hand-off ends once, whoever ends it first.
type leaving struct {
	gateway.Released
	once sync.Once
}

// Sent ends the hand-off, if there is one.
func (l *leaving) Sent() {
	if l != nil {
		l.once.Do(l.Released.Sent)
	}
}

// passing are deliveries on their way through the gate.
type passing struct {
	events   *Events
	finished chan done
	left     int        // not taken from finished yet
	inHand   []*leaving // taken, and nobody else's to end
	dropped  map[string][]feed.Delivery
	ends     error // what ends the call: it concerns the partner itself
}

// deliver takes deliveries through the gate, each as a release of its own. Which
// is done first does not matter: of what must stay in order there is only one.
func (e *Events) deliver(ctx context.Context, due []feed.Delivery, method string) *passing {
	p := &passing{events: e, finished: make(chan done, len(due)), left: len(due), dropped: map[string][]feed.Delivery{}}
	room := semaphore.NewWeighted(atOnce)
	method = strings.TrimPrefix(method, "/")
	go func() {
		for _, d := range due {
			if err := room.Acquire(ctx, 1); err != nil {
				p.finished <- done{delivery: d, err: fmt.Errorf("deliver: %w", err)}
				continue
			}
			go func() {
				defer room.Release(1)
				out := done{delivery: d}
				out.err = interceptor.Safely(ctx, func() (err error) {
					out.encoded, out.released, err = e.pass(ctx, d, method)
					return err
				})
				p.finished <- out
			}()
		}
	}()
	return p
}

// next waits for a delivery to be done.
func (p *passing) next(ctx context.Context) done {
	return p.take(ctx, <-p.finished)
}

// more is next, for what is done already.
func (p *passing) more(ctx context.Context) (done, bool) {
	select {
	case d := <-p.finished:
		return p.take(ctx, d), true
	default:
		return done{}, false
	}
}

func (p *passing) take(ctx context.Context, d done) done {
	p.left--
	p.inHand = append(p.inHand, d.released)
	p.note(ctx, d)
	return d
}

// handedOver says that what was taken has somebody who ends its hand-off.
func (p *passing) handedOver() { p.inHand = nil }

// close ends the hand-off of what is in hand or still to come: it will not be
// sent. Whoever delivers must see to it, however he ends.
func (p *passing) close() {
	for _, l := range p.inHand {
		l.Sent()
	}
	for ; p.left > 0; p.left-- {
		d := <-p.finished
		d.released.Sent()
	}
}

// note remembers what may never leave. What failed otherwise is due again later.
func (p *passing) note(ctx context.Context, d done) {
	reason := refusal.ReasonOf(d.err)
	switch {
	case d.err == nil:
	case gateway.NeverAgain(d.err) && !mutant.Is(mutant.NotDropped):
		p.dropped[refusal.Name(reason)] = append(p.dropped[refusal.Name(reason)], d.delivery)
	case reason == refusal.PartnerSuspended:
		p.ends = d.err
	case ctx.Err() == nil:
		p.events.log.LogAttrs(ctx, slog.LevelWarn, "an event waits", slog.String("event", d.delivery.Event.ID),
			slog.String("consent", string(d.delivery.Consent)), slog.Int("attempts", d.delivery.Attempts), slog.String("error", d.err.Error()))
	}
}

// end lets go of what may never leave. It fails for what ends the call.
func (p *passing) end(ctx context.Context) error {
	for why, deliveries := range p.dropped {
		if err := p.events.feed.Drop(ctx, deliveries, why); err != nil {
			return feedUnavailable(ctx, err)
		}
	}
	return p.ends
}

// pass takes one delivery through the gate. A change of a consent is the
// partner's own to know, and no release of data; but it is served at all.
func (e *Events) pass(ctx context.Context, d feed.Delivery, method string) ([]byte, *leaving, error) {
	event := &partnerv1.Event{
		EventId: d.Event.ID, DeliveryId: e.deliveryID(d), Kind: kindOf(d.Event.Kind), ConsentId: string(d.Consent),
		PublishedAt: timestamppb.New(d.Event.PublishedAt), Redelivered: d.Redelivered(),
	}
	field, kind := protowire.Number(0), policy.Kind(0)
	switch d.Event.Kind {
	case feed.ConsentChanged:
		event.ConsentChanged = consentview.EventForPartner(d.Change).GetChange()
	case feed.AccountLeft:
		event.AccountLeft = &partnerv1.AccountLeft{AccountId: e.names.Account(d.Partner, d.Event.Bank, d.Event.Account)}
	case feed.TransactionPosted, feed.TransactionChanged:
		field, kind = transactionField, policy.Transactions
	case feed.BalanceChanged:
		field, kind = balanceField, policy.Balances
	case feed.AlertRaised, feed.AlertResolved:
		field, kind = alertField, policy.Alerts
	case feed.ConversationMessage:
		field, kind = messageField, policy.Messages
	case feed.ConversationChanged:
		field, kind = talkField, policy.Conversations
	default:
		return nil, nil, fmt.Errorf("an event of kind %s is nobody's to receive", d.Event.Kind)
	}
	out, err := proto.Marshal(event)
	if err != nil {
		return nil, nil, fmt.Errorf("encode event: %w", err)
	}
	if field == 0 {
		return out, nil, e.serve(ctx, d.Partner)
	}
	released, err := e.release(ctx, d, kind, method)
	if err != nil {
		return nil, nil, err
	}
	out = protowire.AppendTag(out, field, protowire.BytesType)
	return protowire.AppendBytes(out, released.Encoded()), &leaving{Released: released}, nil
}

func (e *Events) release(ctx context.Context, d feed.Delivery, kind policy.Kind, method string) (released gateway.Released, err error) {
	for range tries {
		released, err = e.gate.Deliver(ctx, gateway.Push{
			Partner: d.Partner, Consent: d.Consent, Bank: d.Event.Bank, Account: d.Event.Account, Kind: kind,
			Answer: d.Event.Answer, Method: method, RequestID: interceptor.RequestID(ctx),
		})
		if refusal.ReasonOf(err) != refusal.GrantChanged {
			break
		}
	}
	if err != nil {
		return gateway.Released{}, fmt.Errorf("deliver: %w", err)
	}
	return released, nil
}

func kindOf(k feed.Kind) partnerv1.EventKind {
	return partnerv1.EventKind(partnerv1.EventKind_value["EVENT_KIND_"+k.String()])
}

// errSilent means that the partner does not read, or does not work through what
// it reads.
var errSilent = errors.New("the partner does not keep up")
