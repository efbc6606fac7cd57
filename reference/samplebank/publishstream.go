package samplebank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bankv1 "sluice/gen/sluice/bank/v1"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	maxAsked   = 500 // accounts in one GetFeedPosition
)

// Run publishes what is put until ctx is done, and answers nil then. A stream
// that ends is begun anew, after pauses that grow while nothing gets through;
// only what will be refused each time ends Run, not that the bank is suspended.
func (p *Publisher) Run(ctx context.Context) error {
	pause := firstPause
	for {
		through, err := p.stream(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was to end
		case refusedAlways(err):
			p.refuse(err)
			return err
		case through:
			pause = firstPause
		}
		p.cut(err)
		if err := p.config.Wait(ctx, pause); err != nil {
			return nil //nolint:nilerr // it was to end
		}
		pause = min(2*pause, lastPause)
	}
}

// cut tells why something is tried again.
func (p *Publisher) cut(err error) {
	p.config.Cut(err)
	p.mu.Lock()
	news := suspended(err) && !p.held
	p.held = p.held || news
	p.mu.Unlock()
	if news {
		p.config.Trouble(fmt.Errorf("publishing waits until the bank may publish again: %w", err))
	}
}

// suspended says of a refusal that it ends when the operator lets the bank go on.
func suspended(err error) bool {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetReason() == "BANK_SUSPENDED" {
			return true
		}
	}
	return false
}

func refusedAlways(err error) bool {
	if suspended(err) {
		return false
	}
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.InvalidArgument:
		return true
	default:
		return false
	}
}

// stream publishes over one stream, beginning behind what the gateway has. It
// says whether anything got through.
func (p *Publisher) stream(ctx context.Context) (through bool, err error) {
	if err := p.reposition(ctx); err != nil {
		return false, err
	}
	group, ctx := errgroup.WithContext(ctx)
	stream, err := p.config.Client.Publish(ctx)
	if err != nil {
		return false, fmt.Errorf("begin stream: %w", err)
	}
	// Answers come in the order of requests. While it is full nothing is sent: the
	// gateway is behind.
	onTheWay := make(chan parcel, p.config.Window)
	group.Go(func() error { return p.send(ctx, stream, onTheWay) })
	group.Go(func() error {
		for {
			answer, err := stream.Recv()
			if err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			select {
			case r := <-onTheWay:
				through = true
				p.answered(r, answer)
			default:
				return errUnasked
			}
		}
	})
	err = group.Wait()
	return through, err //nolint:wrapcheck // each says what it is
}

// errUnasked says that the gateway answers what was not asked.
var errUnasked = errors.New("the gateway sent more answers than it got requests")

func (p *Publisher) send(ctx context.Context, stream grpc.BidiStreamingClient[bankv1.PublishRequest, bankv1.PublishResponse], onTheWay chan<- parcel) error {
	for {
		r, err := p.take(ctx)
		if err != nil {
			return err
		}
		select {
		case onTheWay <- r:
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer: %w", ctx.Err())
		}
		err = stream.Send(&bankv1.PublishRequest{Events: r.events})
		if errors.Is(err, io.EOF) {
			return nil // what ended it is what Recv says
		}
		if err != nil {
			return fmt.Errorf("send events: %w", err)
		}
	}
}

// reposition asks anew where all accounts stand; nothing counts as sent.
func (p *Publisher) reposition(ctx context.Context) error {
	p.mu.Lock()
	accounts := slices.Clone(p.order)
	p.mu.Unlock()
	positions, err := p.ask(ctx, accounts)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, o := range p.accounts {
		if position, asked := positions[id]; asked {
			o.acknowledge(position)
		}
		o.sent = 0
	}
	p.tell()
	return nil
}

func (p *Publisher) ask(ctx context.Context, accounts []string) (map[string]int64, error) {
	out := map[string]int64{}
	for some := range slices.Chunk(accounts, maxAsked) {
		r, err := p.config.Client.GetFeedPosition(ctx, &bankv1.GetFeedPositionRequest{AccountIds: some})
		if err != nil {
			return nil, fmt.Errorf("ask for positions: %w", err)
		}
		for _, position := range r.GetPositions() {
			out[position.GetAccountId()] = position.GetSequence()
		}
	}
	return out, nil
}
