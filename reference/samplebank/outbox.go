package samplebank

import (
	"errors"
	"fmt"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// outbox numbers the events of one account and keeps those that the gateway has
// not made durable yet.
type outbox struct {
	next    int64               // the number of the next event
	kept    []*bankv1.FeedEvent // in order, without gaps, up to next
	sent    int                 // so many of them were sent on this stream
	rewound int                 // at which rewinding the gateway last asked for some again
	failed  error               // why nothing more is sent; nil while all is well
	trouble func(error)         // is told when it fails
}

// durable is the last number the gateway is known to have.
func (o *outbox) durable() int64 { return o.next - 1 - int64(len(o.kept)) }

func (o *outbox) put(events []*bankv1.FeedEvent) {
	for _, e := range events {
		e.Sequence = o.next
		o.next++
	}
	o.kept = append(o.kept, events...)
}

// unsent are the events that have to go.
func (o *outbox) unsent() []*bankv1.FeedEvent {
	if o.failed != nil {
		return nil
	}
	return o.kept[o.sent:]
}

// acknowledge lets go of what is durable. A gateway that forgot what it once had
// can't be helped: it is kept here no more.
func (o *outbox) acknowledge(position int64) {
	if position < o.durable() {
		o.fail(fmt.Errorf("the gateway is back at %d and had %d: %w", position, o.durable(), errForgotten))
		return
	}
	n := min(int(position-o.durable()), len(o.kept))
	o.kept, o.sent = o.kept[n:], max(0, o.sent-n)
	o.next = max(o.next, position+1) // somebody published before us
}

func (o *outbox) fail(err error) {
	if o.failed == nil {
		o.failed = err
		o.trouble(err)
	}
}

// ErrStopped says that an account's feed has stopped, until somebody looks at it.
var ErrStopped = errors.New("the account's feed has stopped")

// errForgotten says that events would have to be sent which the bank keeps no more.
var errForgotten = fmt.Errorf("events that were durable are gone: %w", ErrStopped)

// RejectedError is an event that the gateway did not take. Nothing of its
// account can follow until somebody has looked at it.
type RejectedError struct {
	Account            string
	Sequence           int64
	Field, Description string
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("event %d of %s was rejected: %s: %s", e.Sequence, e.Account, e.Field, e.Description)
}

// Is says that it is an ErrStopped.
func (*RejectedError) Is(target error) bool { return target == ErrStopped }
