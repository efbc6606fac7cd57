package bankapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/feed"
	bankv1 "sluice/gen/sluice/bank/v1"
)

const (
	// inFlight bounds what one stream has sent and got no answer to, in bytes; a
	// request counts as leastRequest at the least.
	inFlight     = 2 << 20
	leastRequest = 16 << 10
	// takeTimeout bounds the commit of events.
	takeTimeout = 10 * time.Second
)

// Publish takes events, many requests at a time: those that came while the ones
// before were being committed share a commit. Answers come in the order of
// requests. A bank that is ahead of the gateway, or does not read its answers,
// is not read from.
func (f *Feeds) Publish(s bankv1.FeedService_PublishServer) error {
	ctx := s.Context()
	bank, err := callingBank(ctx)
	if err != nil {
		return err
	}
	p := &publishing{feeds: f, bank: bank, stream: s, room: semaphore.NewWeighted(inFlight), came: make(chan request, inFlight/leastRequest)}
	read := make(chan error, 1)
	go func() { // ends with the stream
		read <- p.read(ctx)
		close(p.came)
	}()
	if err := p.takeAll(ctx); err != nil {
		return err
	}
	return <-read
}

// publishing is one stream.
type publishing struct {
	feeds  *Feeds
	bank   consent.ByBank
	stream bankv1.FeedService_PublishServer
	room   *semaphore.Weighted
	came   chan request
}

// request is one that came, and how much of the room it takes.
type request struct {
	events []*bankv1.FeedEvent
	weight int64
}

// read reads requests while there is room for them. It returns nil when the
// bank has sent all.
func (p *publishing) read(ctx context.Context) error {
	for {
		in, err := p.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // a status of gRPC's own
		}
		r := request{events: in.GetEvents(), weight: int64(min(max(proto.Size(in), leastRequest), inFlight))}
		if err := p.room.Acquire(ctx, r.weight); err != nil {
			return fmt.Errorf("wait for room: %w", err)
		}
		p.came <- r // has as many places as there is room for requests
	}
}

// takeAll takes what came until there is no more.
func (p *publishing) takeAll(ctx context.Context) error {
	var over *request // came, and had no place in the last commit
	for {
		first := over
		if first == nil {
			select {
			case r, more := <-p.came:
				if !more {
					return nil
				}
				first = &r
			case <-ctx.Done():
				return fmt.Errorf("publish: %w", ctx.Err())
			}
		}
		var together []request
		together, over = p.gather(*first)
		if err := p.take(ctx, together); err != nil {
			return err
		}
	}
}

// gather adds what is waiting and has a place in one commit, and waits for
// nothing.
func (p *publishing) gather(first request) (together []request, over *request) {
	together = []request{first}
	n := len(first.events)
	for {
		select {
		case r, more := <-p.came:
			if !more {
				return together, nil
			}
			// One that is malformed as a whole must not spoil those before it.
			if n += len(r.events); n > feed.MaxBatch || len(r.events) == 0 {
				return together, &r
			}
			together = append(together, r)
		default:
			return together, nil
		}
	}
}

// take commits requests together and answers each.
func (p *publishing) take(ctx context.Context, together []request) error {
	ctx, cancel := context.WithTimeout(ctx, takeTimeout)
	defer cancel()
	batches := make([]batch, len(together))
	var events []event
	for i, r := range together {
		var err error
		if batches[i], err = p.feeds.read(r.events); err != nil {
			return err
		}
		events = append(events, batches[i].events...)
	}
	t, err := p.feeds.take(ctx, p.bank, events)
	if err != nil {
		return err
	}
	for i, b := range batches {
		a, err := p.feeds.answer(ctx, p.bank, b, t)
		if err != nil {
			return err
		}
		if err := p.stream.Send(a); err != nil {
			return err //nolint:wrapcheck // a status of gRPC's own
		}
		p.room.Release(together[i].weight)
	}
	return nil
}
