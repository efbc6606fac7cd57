package main

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"sluice/authn"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// arrivesWithin is how long what was handed over may be under way on this machine.
const arrivesWithin = 2 * time.Second

// consumer is one of a partner's, with a way of its own to each replica.
type consumer struct {
	partner string
	links   [replicaCount]*link
	conns   [replicaCount]*grpc.ClientConn
}

// newConsumer connects one.
func (s *stage) newConsumer(ctx context.Context, partner string) (*consumer, error) {
	c := &consumer{partner: partner}
	for i, r := range s.replicas {
		var err error
		if c.links[i], err = newLink(ctx, r.address); err != nil {
			c.close()
			return nil, err
		}
		c.conns[i] = s.dial(c.links[i].address(), authn.Identity{Kind: authn.Partner, ID: partner})
	}
	return c, nil
}

func (c *consumer) close() {
	for i := range c.links {
		if c.conns[i] != nil {
			_ = c.conns[i].Close()
			c.links[i].heal()
			c.links[i].close()
		}
	}
}

// passed is how many bytes replicas sent it.
func (c *consumer) passed() int {
	var n int64
	for _, l := range c.links {
		n += l.passed.Load()
	}
	return int(n)
}

// subscribe receives at one replica after the other. While the cell goes on,
// streams are cut.
func (f *feeding) subscribe(ctx context.Context, c *consumer) {
	for pause(ctx, time.Duration(rand.Int64N(int64(50*time.Millisecond)))) {
		i := rand.IntN(replicaCount)
		streaming, end := context.WithCancel(ctx)
		if !f.isCalm() {
			f.lasting.Go(func() { cut(streaming, c.links[i], end) })
		}
		if err := f.receive(streaming, c.conns[i], f.take); ctx.Err() == nil {
			f.cell.history.refuse("STREAM_" + status.Code(err).String())
		}
		end()
	}
}

// cut ends a stream some time soon: in good order, with a reset, or so that
// nobody is told for a while.
func cut(ctx context.Context, l *link, end func()) {
	if !pause(ctx, 200*time.Millisecond+time.Duration(rand.Int64N(int64(2*time.Second)))) {
		return
	}
	switch rand.IntN(3) {
	case 0:
		end()
	case 1:
		l.reset()
	default:
		l.hold.Store(true)
		pause(ctx, 700*time.Millisecond)
		l.heal()
	}
}

// subscription is a stream as a partner has it.
type subscription = grpc.BidiStreamingClient[partnerv1.SubscribeRequest, partnerv1.SubscribeResponse]

// receive ends with what ended the stream.
func (f *feeding) receive(ctx context.Context, at *grpc.ClientConn, take func(subscription, []*partnerv1.Event) error) error {
	stream, err := partnerv1.NewEventServiceClient(at).Subscribe(ctx)
	if err == nil {
		err = stream.Send(&partnerv1.SubscribeRequest{Credits: 50})
	}
	for err == nil {
		var answer *partnerv1.SubscribeResponse
		if answer, err = stream.Recv(); err == nil {
			err = take(stream, answer.GetEvents())
		}
	}
	return err //nolint:wrapcheck // read by its code
}

// take is done with what came at once. Some it can't take at first.
func (f *feeding) take(stream subscription, events []*partnerv1.Event) error {
	for _, e := range events {
		f.arrived(e, true)
	}
	return stream.Send(acknowledging(events)) //nolint:wrapcheck // read by its code
}

func acknowledging(events []*partnerv1.Event) *partnerv1.SubscribeRequest {
	r := &partnerv1.SubscribeRequest{Credits: int32(len(events))}
	for _, e := range events {
		a := &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()}
		if !e.GetRedelivered() && rand.IntN(500) == 0 {
			a.Error = "not now"
		}
		r.Acknowledgements = append(r.Acknowledgements, a)
	}
	return r
}

// pull takes events without a stream, beside the subscribers. When the cell is
// over it goes on only if no answer was lost: what was in one is given out again
// sooner if nobody pulls.
func (f *feeding) pull(ctx, ends context.Context, c *consumer) {
	lost := false
	for pause(ctx, time.Duration(rand.Int64N(int64(10*time.Millisecond)))) {
		if lost && ends.Err() != nil {
			return
		}
		client := partnerv1.NewEventServiceClient(c.conns[rand.IntN(replicaCount)])
		out, err := client.PullEvents(bounded(ctx), &partnerv1.PullEventsRequest{MaxEvents: 20})
		if lost = lost || err != nil; err != nil {
			f.cell.history.refuse("PULL_" + status.Code(err).String())
			continue
		}
		for _, e := range out.GetEvents() {
			f.arrived(e, true)
		}
		if len(out.GetEvents()) > 0 {
			done := acknowledging(out.GetEvents()).GetAcknowledgements()
			_, _ = client.AcknowledgeEvents(bounded(ctx), &partnerv1.AcknowledgeEventsRequest{Acknowledgements: done})
		}
	}
}
