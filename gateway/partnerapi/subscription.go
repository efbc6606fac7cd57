package partnerapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"sluice/authn/accesstoken"
	"sluice/consent"
	"sluice/feed"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/mutant"
	"sluice/refusal"
)

const (
	// windowEvents and windowBytes bound what a stream has out: given to the
	// partner, and not acknowledged. It is also the bound of what a partner that
	// stops reading can still read of what was released before a consent ended;
	// so it fits into a stream's least flow-control window, and never waits.
	windowEvents = 1000
	windowBytes  = 32 << 10
	// envelope is how much larger an event may leave than its bank's answer is: its
	// names, and the record of its release.
	envelope = 512
	// usualEvent is how large events are taken to be, to ask for as many as fit, and
	// largestEvent how large they may be: a stream without room for one asks for
	// nothing, and so loses its shards to others in the end.
	usualEvent   = 1 << 10
	largestEvent = 16<<10 + envelope
	// holdLimit is how long an event that did not fit is kept, to be sent without
	// asking for it again: not as long as it takes to lose it to another stream.
	holdLimit = feed.Lease / 2
	// sendLimit is how long events may take to be handed to the transport before
	// the stream is given up. What is out fits into the transport's queue, so only a
	// machine without time to spare comes near it; a change of the consents waits
	// as it does for a pull, and the record of what left too late says so.
	sendLimit = time.Second
	// staleAfter is how long an event may be out and not acknowledged, given again
	// or not: then the stream is not worked through, or nobody is there any more,
	// and what it has is another's.
	staleAfter = 2 * feed.AckWait
	// pollMost is how long a stream that nothing happens on goes without asking.
	pollMost = 4 * feed.Poll
	// wordsAhead is how many of a partner's words are read ahead, so that those that
	// came during a commit share the next.
	wordsAhead = 16
	// lookAgain is how long a stream goes on without a look at whether the partner
	// is served at all; each event is looked at anyway.
	lookAgain = 20 * time.Second
	// leaveTimeout is how long a stream's end waits to say so to the feed.
	leaveTimeout = 2 * time.Second
)

// Subscribe delivers what is due while the partner has given credit for it.
func (e *Events) Subscribe(stream partnerv1.EventService_SubscribeServer) error {
	ctx := stream.Context()
	partner, err := e.served(ctx)
	if err != nil {
		return err
	}
	s := &subscription{
		events: e, stream: stream, partner: partner, consumer: "sub_" + rand.Text(),
		came: make(chan *partnerv1.SubscribeRequest, wordsAhead), out: map[place]given{}, looked: e.now(),
	}
	if t, ok := accesstoken.FromContext(ctx); ok {
		s.until = t.Ends()
	}
	read := make(chan error, 1)
	go func() { read <- s.read(ctx) }() // ends with the stream
	defer s.leave(ctx)
	return s.run(ctx, read)
}

// place names a delivery of a partner's.
type place struct {
	shard int
	pos   int64
}

// given is what the partner has not acknowledged: all that was sent of it, since
// it was first given.
type given struct {
	bytes int
	since time.Time
}

// subscription is one stream.
type subscription struct {
	events   *Events
	stream   partnerv1.EventService_SubscribeServer
	partner  consent.PartnerID
	consumer string
	looked   time.Time
	until    time.Time // end of the token it was opened with; zero if with none
	came     chan *partnerv1.SubscribeRequest
	credits  int
	out      map[place]given
	outBytes int
	held     []feed.Delivery // asked for, and did not fit yet
	heldFrom time.Time
	quiet    time.Duration
}

func (s *subscription) read(ctx context.Context) error {
	for {
		r, err := s.stream.Recv()
		if err != nil {
			return err //nolint:wrapcheck // io.EOF, a status of gRPC's own, or a refusal
		}
		select {
		case s.came <- r:
		case <-ctx.Done():
			return fmt.Errorf("subscribe: %w", ctx.Err())
		}
	}
}

// run delivers until the partner has said its last word.
func (s *subscription) run(ctx context.Context, read <-chan error) error {
	for {
		if err := s.permitted(ctx); err != nil {
			return err
		}
		next := s.events.feed.Next(s.partner)
		sent, err := s.deliver(ctx)
		if err != nil {
			return err
		}
		if err := s.listen(ctx, read, next, sent > 0); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// permitted fails when the token that opened the stream has ended, or the
// partner is served nothing any more.
func (s *subscription) permitted(ctx context.Context) error {
	now := s.events.now()
	if !s.until.IsZero() && !now.Before(s.until) {
		return refusal.New(refusal.TokenInvalid, "the access token has ended, and its stream with it; open another with a new token, nothing is lost")
	}
	if now.Sub(s.looked) < lookAgain {
		return nil
	}
	s.looked = now
	return s.events.serve(ctx, s.partner)
}

// rest is how long to wait if nothing happens.
func (s *subscription) rest() time.Duration {
	if s.until.IsZero() {
		return s.quiet
	}
	return min(s.quiet, max(s.until.Sub(s.events.now()), time.Millisecond))
}

// leave hands over to the partner's other streams, or its next. If that fails,
// they wait until the leases end.
func (s *subscription) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := s.events.feed.Leave(ctx, s.partner, s.consumer); err != nil {
		s.events.log.LogAttrs(ctx, slog.LevelWarn, "a stream's end was not noted", slog.String("error", err.Error()))
	}
}

// listen waits for the partner's word, or for something new; where there may be
// more at once it waits for nothing.
func (s *subscription) listen(ctx context.Context, read <-chan error, next <-chan struct{}, more bool) error {
	s.quiet = min(max(2*s.quiet, feed.Poll), pollMost)
	if more {
		s.quiet = 0
	}
	rest := time.NewTimer(s.rest())
	defer rest.Stop()
	select {
	case r := <-s.came:
		s.quiet = 0
		return s.hear(ctx, r)
	case err := <-read:
		for len(s.came) > 0 { // whatever ended it, this came before
			if err := s.hear(ctx, <-s.came); err != nil {
				return err
			}
		}
		return err
	case <-next:
	case <-rest.C:
	case <-ctx.Done():
		return fmt.Errorf("subscribe: %w", ctx.Err())
	}
	return s.worked()
}

// worked fails if the partner leaves lying what it was given.
func (s *subscription) worked() error {
	for _, g := range s.out {
		if s.events.now().Sub(g.since) > staleAfter {
			return refusal.Because(refusal.DeadlineExceeded, "events were not acknowledged for too long; open another stream, they come again", errSilent)
		}
	}
	return nil
}

// hear takes credits and acknowledgements, and those of what came since, at once.
func (s *subscription) hear(ctx context.Context, r *partnerv1.SubscribeRequest) error {
	acks, err := s.word(r)
	for err == nil && len(s.came) > 0 && len(acks) < windowEvents {
		var more []feed.Ack
		more, err = s.word(<-s.came)
		acks = append(acks, more...)
	}
	if err := s.events.feed.Acknowledge(ctx, s.partner, s.consumer, acks); err != nil {
		return feedUnavailable(ctx, err)
	}
	for _, a := range acks {
		s.outBytes -= s.out[place{a.Shard, a.Pos}].bytes
		delete(s.out, place{a.Shard, a.Pos})
	}
	return err // of a word that can't be taken; those before it are
}

func (s *subscription) word(r *partnerv1.SubscribeRequest) ([]feed.Ack, error) {
	s.credits = min(s.credits+int(r.GetCredits()), windowEvents)
	return s.events.acks(s.partner, r.GetAcknowledgements())
}

// room is how many more events of the usual size may be on their way.
func (s *subscription) room() int {
	left := min(s.credits, atOnce, windowEvents-len(s.out))
	if len(s.out) == 0 {
		return left
	}
	return min(left, (windowBytes-s.outBytes)/usualEvent)
}

// due is what may be sent now: as much as is due and fits.
func (s *subscription) due(ctx context.Context) ([]feed.Delivery, error) {
	if s.events.now().Sub(s.heldFrom) > holdLimit {
		s.held = nil // it is given out again
	}
	n := s.room()
	if n < 1 {
		return nil, nil
	}
	if len(s.held) == 0 && s.outBytes+largestEvent <= windowBytes {
		due, err := s.events.feed.Due(ctx, s.partner, s.consumer, feed.Room{Events: n, Bytes: windowBytes - s.outBytes})
		if err != nil {
			return nil, feedUnavailable(ctx, err)
		}
		s.held, s.heldFrom = due, s.events.now()
	}
	fits, bytes := 0, s.outBytes
	for fits < min(n, len(s.held)) {
		bytes += len(s.held[fits].Event.Answer) + envelope
		if bytes > windowBytes && fits+len(s.out) > 0 { // one at least, whatever its size
			break
		}
		fits++
	}
	now := s.held[:fits]
	s.held = s.held[fits:]
	return now, nil
}

// deliver takes what is due through the gate and sends what passes, as it does.
func (s *subscription) deliver(ctx context.Context) (sent int, err error) {
	due, err := s.due(ctx)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	p := s.events.deliver(ctx, due, partnerv1.EventService_Subscribe_FullMethodName)
	defer p.close()
	for p.left > 0 {
		ready := []done{p.next(ctx)}
		for more, ok := p.more(ctx); ok; more, ok = p.more(ctx) {
			ready = append(ready, more)
		}
		if err := s.send(ctx, p, ready); err != nil {
			return sent, err
		}
		sent += len(ready)
	}
	return sent, p.end(ctx)
}

// send hands events to the transport.
func (s *subscription) send(ctx context.Context, p *passing, ready []done) error {
	var m message
	var released []*leaving
	for _, d := range ready {
		if d.err != nil {
			continue
		}
		m.add(d.encoded)
		released = append(released, d.released)
		at := place{d.delivery.Shard, d.delivery.Pos}
		g, again := s.out[at]
		if !again {
			g.since = s.events.now()
		}
		if !mutant.Is(mutant.NoWindow) {
			s.outBytes += len(d.encoded) // once more, if it was given again: it may lie unread twice
			g.bytes += len(d.encoded)
		}
		s.out[at] = g
		s.credits--
	}
	if len(released) == 0 {
		return nil
	}
	p.handedOver()
	return s.transmit(ctx, m, func() {
		for _, r := range released {
			r.Sent()
		}
	})
}

// transmit sends a message and then calls sent, or gives the stream up: whoever
// returns from a handler ends what its stream waits for. Until the transport has
// answered, a change of the consents waits for it.
func (s *subscription) transmit(ctx context.Context, m message, sent func()) error {
	answer := make(chan error, 1)
	go func() {
		answer <- interceptor.Safely(ctx, func() error {
			defer sent()
			return s.stream.SendMsg(m) //nolint:wrapcheck // a status of gRPC's own
		})
	}()
	limit := time.NewTimer(sendLimit)
	defer limit.Stop()
	select {
	case err := <-answer:
		return err //nolint:wrapcheck // a status of gRPC's own
	case <-ctx.Done():
		return fmt.Errorf("subscribe: %w", ctx.Err())
	case <-limit.C:
	}
	select {
	case err := <-answer: // both, on a busy machine
		return err //nolint:wrapcheck // a status of gRPC's own
	default:
		return refusal.Because(refusal.DeadlineExceeded, "the stream is not read fast enough; open another and give less credit", errSilent)
	}
}
