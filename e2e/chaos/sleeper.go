package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/samplebank"
)

const (
	// dreamer is the partner that stops reading now and then. Nobody else has
	// consents for the one account of its customer's.
	dreamer        = "dreamer"
	dreamerBank    = "labe"
	dreamerPerson  = "3177"
	dreamerAccount = "A2632"
	// dreamerConsents is how many consents it has for it: of each one letter is out
	// at a time, and together these are far more than a stream may have unread.
	dreamerConsents = 24
	letterSize      = 3 << 10
	// unreadBound is what docs/partners.md promises of a stream that is not read, and
	// unreadExtra and perLetter what HTTP/2 and TLS add around it.
	unreadBound = 32 << 10
	unreadExtra = 1 << 10
	perLetter   = 64
)

// sleeper stops reading, at its socket, while there is more for it than may be
// out, and consents of it are revoked. Then it reads again what it still can,
// which is counted, and only then says that it is done with anything.
type sleeper struct {
	*feeding
	way       *consumer
	publisher *samplebank.Publisher
	live      []string // its consents

	mu       sync.Mutex
	stream   subscription // the one that is open; nil for none
	sleeping bool
	owed     []*partnerv1.Event // came since it fell asleep

	// What was found out; read when the traffic is over.
	naps, most, revoked int
	got                 [2]int           // by others, awake and asleep
	took                [2]time.Duration // for it
}

// sleeper makes the partner's consents.
func (f *feeding) sleeper(ctx context.Context) (*sleeper, error) {
	s := &sleeper{feeding: f, publisher: f.publisher(dreamerBank)}
	at, err := s.publisher.Resume(ctx, dreamerAccount)
	if err != nil {
		return nil, fmt.Errorf("begin to publish: %w", err)
	}
	f.put[dreamerAccount] = at[dreamerAccount]
	for range dreamerConsents {
		id, err := f.cell.consent(ctx, dreamer, dreamerBank, dreamerPerson, dreamerAccount,
			datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC, datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED)
		if err != nil {
			return nil, fmt.Errorf("agree to what is not read: %w", err)
		}
		f.expect(id, dreamerAccount)
		s.live = append(s.live, id)
	}
	s.way, err = f.consumer(ctx, dreamer)
	return s, err
}

// subscribe opens a stream whenever it is awake.
func (s *sleeper) subscribe(ctx context.Context) {
	for pause(ctx, 20*time.Millisecond) {
		if s.isAsleep() {
			continue
		}
		_ = s.receive(ctx, s.way.conns[rand.IntN(replicaCount)], s.take)
		s.mu.Lock()
		s.stream = nil
		s.mu.Unlock()
	}
}

func (s *sleeper) isAsleep() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sleeping
}

func (s *sleeper) take(stream subscription, events []*partnerv1.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.arrived(e, !s.sleeping)
	}
	if s.stream = stream; s.sleeping {
		s.owed = append(s.owed, events...)
		return nil
	}
	return stream.Send(acknowledging(events)) //nolint:wrapcheck // read by its code
}

// nap falls asleep and wakes up until the cell is over.
func (s *sleeper) nap(ctx context.Context) {
	for n := 0; ; n++ {
		s.write(ctx)
		_ = s.publisher.Settled(ctx)
		s.spend(ctx, 0, 500*time.Millisecond)
		if ctx.Err() != nil {
			return
		}
		s.fallAsleep()
		s.write(ctx)
		s.write(ctx)
		s.spend(ctx, 1, 300*time.Millisecond)
		s.revokeSome(ctx)
		s.write(ctx) // after the revoke
		s.spend(ctx, 1, 200*time.Millisecond)
		s.wakeUp()
	}
}

// spend passes time, and counts what the follower gets meanwhile.
func (s *sleeper) spend(ctx context.Context, asleep int, d time.Duration) {
	began, had := time.Now(), s.received()
	pause(ctx, d)
	s.got[asleep] += s.received() - had
	s.took[asleep] += time.Since(began)
}

// write puts one letter.
func (s *sleeper) write(ctx context.Context) {
	sequence, now := s.next(dreamerAccount), time.Now()
	e := &bankv1.FeedEvent{AccountId: dreamerAccount, OccurredAt: timestamppb.New(now), What: &bankv1.FeedEvent_TransactionPosted{
		TransactionPosted: &datav1.Transaction{
			TransactionId: fmt.Sprint("letter ", sequence), Status: datav1.TransactionStatus_TRANSACTION_STATUS_POSTED,
			BookingDate:  &date.Date{Year: int32(now.UTC().Year()), Month: int32(now.UTC().Month()), Day: int32(now.UTC().Day())},
			Amount:       &money.Money{CurrencyCode: "CZK", Units: sequence},
			BalanceAfter: &money.Money{CurrencyCode: "CZK", Units: now.UnixNano()}, // see madeAt
			Description:  strings.Repeat("z", letterSize),
		},
	}}
	if err := s.publisher.Put(context.WithoutCancel(ctx), dreamerAccount, e); err != nil {
		s.found(func(v *verdict) *int { return &v.lost }, "put: %v", err)
	}
}

func (s *sleeper) fallAsleep() {
	s.mu.Lock()
	s.sleeping = true
	s.mu.Unlock()
	for _, l := range s.way.links {
		l.still.Store(true)
	}
}

// revokeSome ends two consents; from then on nothing new of them may come.
func (s *sleeper) revokeSome(ctx context.Context) {
	for range min(2, len(s.live)-2) {
		id := s.live[0]
		s.live = s.live[1:]
		s.excuse(id)
		begin := time.Now()
		if revision, known := s.cell.revoke(ctx, dreamerBank, dreamerPerson, id); known {
			s.cell.history.changed(operation{consent: id, revision: revision, begin: begin, end: time.Now()})
			s.revoked++
		}
	}
}

// wakeUp reads what there is without saying so, counts it at the socket, and goes
// on as usual.
func (s *sleeper) wakeUp() {
	before := s.way.passed()
	for _, l := range s.way.links {
		l.still.Store(false)
	}
	for last := -1; last != s.way.passed(); pause(context.Background(), 300*time.Millisecond) {
		last = s.way.passed()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes, content := s.way.passed()-before, 0
	for _, e := range s.owed {
		content += proto.Size(e)
	}
	s.naps++
	s.most = max(s.most, bytes)
	if bytes > unreadBound+unreadExtra+perLetter*len(s.owed) || content > unreadBound {
		s.found(func(v *verdict) *int { return &v.stale },
			"a partner that did not read could read %d bytes then, with %d events of %d bytes", bytes, len(s.owed), content)
	}
	if s.sleeping = false; s.stream != nil && len(s.owed) > 0 {
		_ = s.stream.Send(acknowledging(s.owed)) // or they come again
	}
	s.owed = nil
}

// telling says whether there was so much for it that the bound held it back.
func (s *sleeper) telling() bool {
	return s.naps > 0 && s.revoked > 0 && s.most > unreadBound/4
}

// slows says whether others were held up while it did not read. How much they get
// in half a second differs by much, for their own streams are cut.
func (s *sleeper) slows() bool { return s.got[0] > 20 && s.rate(1) < s.rate(0)/4 }

// rate is what others got in a second.
func (s *sleeper) rate(asleep int) float64 {
	return float64(s.got[asleep]) / max(s.took[asleep].Seconds(), 0.001)
}

func (s *sleeper) line() string {
	return fmt.Sprintf("a partner stopped reading %d times; %d consents were revoked meanwhile; it could read at most %d bytes then; others got %.0f events/s, and %.0f/s while it read",
		s.naps, s.revoked, s.most, s.rate(1), s.rate(0))
}

// end revokes what is left.
func (s *sleeper) end(ctx context.Context) {
	for _, id := range s.live {
		s.cell.revoke(ctx, dreamerBank, dreamerPerson, id)
	}
}
