package partnerapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"sluice/authn/accesstoken"
	"sluice/consent"
	"sluice/feed"
	"sluice/gateway"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
	"sluice/seal"
)

const (
	// pullAtOnce is how many events one pull takes, whatever it asks for: they are
	// all released before the first of them leaves, and must not become too old.
	pullAtOnce = 100
	// puller is the consumer that all of a partner's pulls are.
	puller = "pull"
)

// Deliverer is the gate, for events.
type Deliverer interface {
	Deliver(ctx context.Context, p gateway.Push) (gateway.Released, error)
	// Serve refuses a partner that is served nothing.
	Serve(ctx context.Context, partner consent.PartnerID, shows bool) error
}

// Deliveries is the feed, as partners empty it.
type Deliveries interface {
	Due(ctx context.Context, partner consent.PartnerID, consumer string, room feed.Room) ([]feed.Delivery, error)
	Acknowledge(ctx context.Context, partner consent.PartnerID, consumer string, acks []feed.Ack) error
	Leave(ctx context.Context, partner consent.PartnerID, consumer string) error
	Drop(ctx context.Context, dropped []feed.Delivery, why string) error
	Next(partner consent.PartnerID) <-chan struct{}
}

// Events is EventService in front of a gate.
type Events struct {
	partnerv1.UnimplementedEventServiceServer
	gate   Deliverer
	feed   Deliveries
	names  gateway.Pairwise
	tokens *seal.Sealer
	log    *slog.Logger
	now    func() time.Time
}

// NewEvents delivers a feed through a gate.
func NewEvents(gate Deliverer, deliveries Deliveries, names gateway.Pairwise, tokens *seal.Sealer, log *slog.Logger, now func() time.Time) *Events {
	return &Events{gate: gate, feed: deliveries, names: names, tokens: tokens, log: log, now: now}
}

// Register adds EventService to a server whose codec is gateway/codec.
func (e *Events) Register(s grpc.ServiceRegistrar) {
	desc := partnerv1.EventService_ServiceDesc
	desc.Methods = nil
	for _, m := range partnerv1.EventService_ServiceDesc.Methods {
		if m.MethodName == "PullEvents" {
			m.Handler = func(_ any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
				return e.pull(ctx, decode, chain) // answers with what is encoded already
			}
		}
		desc.Methods = append(desc.Methods, m)
	}
	s.RegisterService(&desc, e)
}

// pull is the handler of PullEvents.
func (e *Events) pull(ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
	in := &partnerv1.PullEventsRequest{}
	if err := decode(in); err != nil {
		return nil, err //nolint:wrapcheck // already a status of gRPC's own
	}
	call := func(ctx context.Context, _ any) (any, error) { return e.due(ctx, int(in.GetMaxEvents())) }
	if chain == nil {
		return call(ctx, in)
	}
	return chain(ctx, in, &grpc.UnaryServerInfo{Server: e, FullMethod: partnerv1.EventService_PullEvents_FullMethodName}, call)
}

// due takes what is due, without a stream.
func (e *Events) due(ctx context.Context, limit int) (message, error) {
	partner, err := e.served(ctx)
	if err != nil {
		return message{}, err
	}
	if limit == 0 || limit > pullAtOnce {
		limit = pullAtOnce
	}
	due, err := e.feed.Due(ctx, partner, puller, feed.Room{Events: limit})
	if err != nil {
		return message{}, feedUnavailable(ctx, err)
	}
	var out message
	d := e.deliver(ctx, due, partnerv1.EventService_PullEvents_FullMethodName)
	defer d.close()
	for range due {
		if done := d.next(ctx); done.err == nil {
			interceptor.AfterAnswer(ctx, done.released.Sent)
			d.handedOver()
			out.add(done.encoded)
		}
	}
	if err := d.end(ctx); err != nil && len(out.encoded) == 0 {
		return message{}, err
	}
	return out, nil
}

// AcknowledgeEvents acknowledges events that were pulled.
func (e *Events) AcknowledgeEvents(ctx context.Context, r *partnerv1.AcknowledgeEventsRequest) (*partnerv1.AcknowledgeEventsResponse, error) {
	partner, err := e.served(ctx)
	if err != nil {
		return nil, err
	}
	acks, err := e.acks(partner, r.GetAcknowledgements())
	if err != nil {
		return nil, err
	}
	if err := e.feed.Acknowledge(ctx, partner, puller, acks); err != nil {
		return nil, feedUnavailable(ctx, err)
	}
	return &partnerv1.AcknowledgeEventsResponse{}, nil
}

// served is the calling partner, if it is served at all. Events are data: who
// gets data by token only gets them so too.
func (e *Events) served(ctx context.Context) (consent.PartnerID, error) {
	partner, err := callingPartner(ctx)
	if err != nil {
		return "", err
	}
	return partner, e.serve(ctx, partner)
}

func (e *Events) serve(ctx context.Context, partner consent.PartnerID) error {
	_, shows := accesstoken.FromContext(ctx)
	if err := e.gate.Serve(ctx, partner, shows); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// deliveryID names a delivery for its partner alone.
func (e *Events) deliveryID(d feed.Delivery) string {
	return e.tokens.Seal(seal.Binding{"delivery", string(d.Partner)}, strconv.Itoa(d.Shard), strconv.FormatInt(d.Pos, 10))
}

// acks reads what a partner acknowledges. A name that is not its own is refused.
func (e *Events) acks(partner consent.PartnerID, in []*partnerv1.Acknowledgement) ([]feed.Ack, error) {
	out := make([]feed.Ack, len(in))
	for i, a := range in {
		content, err := e.tokens.Open(seal.Binding{"delivery", string(partner)}, a.GetDeliveryId())
		if err != nil || len(content) != 2 {
			return nil, refusal.Invalid(fmt.Sprintf("acknowledgements[%d].delivery_id", i), "names no delivery to this partner")
		}
		shard, err1 := strconv.Atoi(content[0])
		pos, err2 := strconv.ParseInt(content[1], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read the name of a delivery: %w", err)
		}
		out[i] = feed.Ack{Shard: shard, Pos: pos, Error: a.GetError()}
	}
	return out, nil
}

// feedUnavailable refuses where the feed can't be read or kept.
func feedUnavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return refusal.Because(refusal.RecordUnavailable, "the feed can't be reached; try again later, nothing is lost", err)
}
