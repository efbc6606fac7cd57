package feed

import (
	"context"
	"time"

	"sluice/consent"
)

// Store keeps feeds. All methods may be called at once from many goroutines,
// and are durable when they return nil. An Event's Answer and an Ack's
// Error are sealed by the time
// it comes here. Instants
// are of the store's own clock: those of replicas may be far apart.
type Store interface {
	// Publish takes one bank's events, at most MaxBatch, by State.Take and in one
	// transaction, with a delivery for each live consent that covers one. It sets
	// when they were published, and answers each account once, in order, and which
	// partners have something new.
	Publish(ctx context.Context, bank consent.BankID, events []Event) (Published, error)
	// Positions answers in the order asked for.
	Positions(ctx context.Context, bank consent.BankID, accounts []consent.AccountID) ([]Position, error)
	// Due gives out deliveries as Feed.Due does. It writes only if something is to
	// be given out, or a lease with something out is to be renewed.
	Due(ctx context.Context, partner consent.PartnerID, consumer string, room Room) ([]Delivery, error)
	// Acknowledge ends deliveries, or puts them off as Backoff says, and renews
	// the consumer's leases of their shards. One that is not there is passed over.
	Acknowledge(ctx context.Context, partner consent.PartnerID, consumer string, acks []Ack) error
	// Leave ends a consumer's turn: its shards are free, and what it has out is due.
	Leave(ctx context.Context, partner consent.PartnerID, consumer string) error
	// Drop ends deliveries unreceived, and counts why.
	Drop(ctx context.Context, dropped []Delivery, why string) error
	// Dead lists what was put aside, newest first; of all partners if none is named.
	Dead(ctx context.Context, partner consent.PartnerID, limit int) ([]Dead, error)
	// Counts says what was rejected of a bank, or dropped for a partner, in a day.
	Counts(ctx context.Context, party string, day consent.Day) (map[string]int, error)
	// Backlog says what a partner has not taken.
	Backlog(ctx context.Context, partner consent.PartnerID) (Backlog, error)
	// Sweep forgets what was kept for Retention, what waits under a consent that
	// shares it no more, Settled after its change, and ids of transactions after
	// IdentityRetention; a bounded part at a time. It says whether there may be more.
	Sweep(ctx context.Context) (more bool, err error)
}

// Published is what became of a batch.
type Published struct {
	Positions  []Position
	Rejections []Rejection
	Partners   []consent.PartnerID
}

// MaxBatch is how many events a bank publishes at once.
const MaxBatch = 500

// The times of deliveries.
const (
	// Lease is how long a consumer has a shard without a word.
	Lease = 10 * time.Second
	// AckWait is how long a delivery is out before the same consumer has it again.
	AckWait = 30 * time.Second
	// Retention is how long an event is kept for partners who do not take it.
	Retention = 7 * 24 * time.Hour
	// IdentityRetention is how long ids of transactions are remembered.
	IdentityRetention = 400 * 24 * time.Hour
	// Settled is how long no publishing takes that read a consent before it changed.
	Settled = 30 * time.Second
	// MaxErrors is how often a partner may fail to take a delivery.
	MaxErrors = 10
)

// Backoff is how long a delivery rests after so many errors; false: for good.
func Backoff(errors int) (time.Duration, bool) {
	if errors >= MaxErrors {
		return 0, false
	}
	steps := [...]time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}
	return steps[min(max(errors, 1), len(steps))-1], true
}
