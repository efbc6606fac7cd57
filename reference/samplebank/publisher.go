package samplebank

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// PublisherConfig is what a Publisher needs. What is 0 gets the value in brackets.
type PublisherConfig struct {
	Client bankv1.FeedServiceClient
	// Wait passes time, or ends early with ctx.
	Wait func(ctx context.Context, d time.Duration) error
	// Cut is told why a stream ended that is begun anew; may be nil.
	Cut func(error)
	// Trouble is told, once each, what somebody has to look at: that an account's
	// feed has stopped, and that the bank is suspended. It must not call the
	// Publisher; may be nil.
	Trouble func(error)

	Batch  int // events in one request, at most (100)
	Window int // requests on their way, at most (8)
	Kept   int // events not durable yet, at most (10,000); then Put waits
}

// Publisher sends events to the gateway, each account's in order, until the
// gateway says that they are durable; over as many streams as it takes. It keeps
// what it sends in memory: a bank that means it writes its events down together
// with what they tell of, and drops them when they are durable.
type Publisher struct {
	config PublisherConfig

	mu       sync.Mutex
	accounts map[string]*outbox
	order    []string      // of accounts; whose turn it is comes first
	rewinds  int           // how often the gateway asked again
	held     bool          // that the bank is suspended was told, and nothing got through since
	refused  error         // what ended Run, if it won't go on
	changed  chan struct{} // closed and made anew when something changes
}

// NewPublisher makes one that has nothing to send.
func NewPublisher(c PublisherConfig) *Publisher {
	c.Batch, c.Window, c.Kept = cmp.Or(c.Batch, 100), cmp.Or(c.Window, 8), cmp.Or(c.Kept, 10_000)
	if c.Cut == nil {
		c.Cut = func(error) {}
	}
	if c.Trouble == nil {
		c.Trouble = func(error) {}
	}
	return &Publisher{config: c, accounts: map[string]*outbox{}, changed: make(chan struct{})}
}

// Resume asks the gateway how far accounts were published; new events are
// numbered on from there. It asks until it is answered or refused. Each account is
// named once, before its first event.
func (p *Publisher) Resume(ctx context.Context, accounts ...string) (map[string]int64, error) {
	positions, err := p.ask(ctx, accounts)
	for pause := firstPause; err != nil; pause = min(2*pause, lastPause) {
		if refusedAlways(err) || ctx.Err() != nil {
			return nil, err
		}
		p.cut(err)
		if err := p.config.Wait(ctx, pause); err != nil {
			return nil, err
		}
		positions, err = p.ask(ctx, accounts)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, position := range positions {
		if p.accounts[id] == nil {
			p.accounts[id] = &outbox{next: position + 1, trouble: p.config.Trouble}
			p.order = append(p.order, id)
		}
	}
	return positions, nil
}

// errUnknownAccount says that Resume was not called for an account.
var errUnknownAccount = errors.New("its position was not asked for")

// Put takes events of one account. It waits while too many are not durable, and
// fails if the account's feed has stopped.
func (p *Publisher) Put(ctx context.Context, account string, events ...*bankv1.FeedEvent) error {
	err := p.await(ctx, func() (bool, error) {
		o := p.accounts[account]
		if o == nil {
			return false, fmt.Errorf("put events of %s: %w", account, errUnknownAccount)
		}
		if o.failed != nil {
			return false, o.failed
		}
		if n := p.kept(); n > 0 && n+len(events) > p.config.Kept {
			return false, nil
		}
		o.put(events)
		p.tell()
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("put events: %w", err)
	}
	return nil
}

// Settled waits until everything that was put is durable, but for accounts whose
// feed has stopped: with those it fails then, and errors.Is finds ErrStopped.
func (p *Publisher) Settled(ctx context.Context) error {
	var stopped error
	err := p.await(ctx, func() (bool, error) {
		stopped = p.failures()
		return p.kept() == 0, nil
	})
	return cmp.Or(err, stopped)
}

// kept counts events that are not durable but will be.
func (p *Publisher) kept() int {
	n := 0
	for _, o := range p.accounts {
		if o.failed == nil {
			n += len(o.kept)
		}
	}
	return n
}

func (p *Publisher) failures() error {
	var errs []error
	for _, id := range p.order {
		errs = append(errs, p.accounts[id].failed)
	}
	return errors.Join(errs...)
}

// await calls ready, under the lock, until it is true or fails, or Run is refused.
func (p *Publisher) await(ctx context.Context, ready func() (bool, error)) error {
	for {
		p.mu.Lock()
		done, err := ready()
		if !done && err == nil {
			err = p.refused
		}
		changed := p.changed
		p.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the gateway: %w", ctx.Err())
		case <-changed:
		}
	}
}

func (p *Publisher) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = err
	p.tell()
}

// tell wakes those who wait; under the lock.
func (p *Publisher) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// maxRequest leaves room below what the gateway takes, 1 MiB.
const maxRequest = 900 << 10

// parcel is what was taken to be sent at once.
type parcel struct {
	events []*bankv1.FeedEvent
	at     int // the rewindings there were
}

// take waits for events that have to go, and takes a request's worth, from one
// account after the other.
func (p *Publisher) take(ctx context.Context) (r parcel, err error) {
	err = p.await(ctx, func() (bool, error) {
		size := 0
		for range p.order {
			o := p.accounts[p.order[0]]
			for _, e := range o.unsent() {
				if size += proto.Size(e) + 8; len(r.events) == p.config.Batch || len(r.events) > 0 && size > maxRequest {
					break
				}
				r.events = append(r.events, e)
				o.sent++
			}
			p.order = append(p.order[1:], p.order[0])
			if len(r.events) == p.config.Batch || size > maxRequest {
				break
			}
		}
		r.at = p.rewinds
		return len(r.events) > 0, nil
	})
	return r, err
}

// answered is what the gateway says to a request. What it does not have is sent
// again, but not for each of the requests that were already on their way then.
func (p *Publisher) answered(r parcel, answer *bankv1.PublishResponse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	for _, bad := range answer.GetRejections() {
		if o := p.accounts[bad.GetAccountId()]; o != nil && o.failed == nil {
			o.fail(&RejectedError{bad.GetAccountId(), bad.GetSequence(), bad.GetField(), bad.GetDescription()})
		}
	}
	for _, position := range answer.GetPositions() {
		if o := p.accounts[position.GetAccountId()]; o != nil {
			o.acknowledge(max(position.GetSequence(), o.durable())) // an earlier answer may have said more
		}
	}
	for _, e := range r.events {
		o := p.accounts[e.GetAccountId()]
		if o.failed == nil && e.GetSequence() > o.durable() && r.at >= o.rewound {
			p.rewinds++
			o.rewound, o.sent = p.rewinds, 0
		}
	}
	p.tell()
}
