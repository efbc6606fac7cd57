package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/samplebank"
)

const (
	// follower is the partner whose consents nobody changes: it must get everything.
	follower     = "follower"
	subscribers  = 2 // of each partner
	settleWithin = 40 * time.Second
	drainWithin  = 90 * time.Second
)

// feeding is a cell's traffic of events: banks that publish, and two partners
// that receive. The amount of each balance is its sequence, and the moment it is
// of is when it was made.
type feeding struct {
	cell       *cell
	followed   map[string]string // the follower's consents, one for each account
	publishers map[string]*samplebank.Publisher
	working    sync.WaitGroup // until the cell is over
	lasting    sync.WaitGroup // until all is drained
	stop       context.CancelFunc

	mu      sync.Mutex
	put     map[string]int64 // by account, the last that was put
	lanes   map[lane]int64   // the last that came
	faults  verdict
	cutting bool
}

type lane struct{ consent, account string }

// feed begins to publish and receive; ends is when the cell does.
func (c *cell) feed(ctx, ends context.Context) (*feeding, error) {
	lasting, stop := context.WithCancel(ctx)
	f := &feeding{
		cell: c, stop: stop, cutting: true, followed: map[string]string{}, publishers: map[string]*samplebank.Publisher{},
		put: map[string]int64{}, lanes: map[lane]int64{},
	}
	for _, who := range people() {
		p := samplebank.NewPublisher(samplebank.PublisherConfig{Client: roaming{stage: c.stage, bank: who.bank}, Batch: 20, Wait: waited})
		f.publishers[who.bank] = p
		at, err := p.Resume(ctx, who.accounts[:]...)
		for account, sequence := range at {
			f.put[account] = sequence
			id, err := c.follow(ctx, who, account)
			if err != nil {
				stop()
				return nil, fmt.Errorf("begin to follow: %w", err)
			}
			f.followed[account] = id
			f.lanes[lane{id, account}] = sequence
		}
		if err != nil {
			stop()
			return nil, fmt.Errorf("begin to publish: %w", err)
		}
	}
	for _, who := range people() {
		f.lasting.Go(func() {
			if err := f.publishers[who.bank].Run(lasting); err != nil {
				f.found(func(v *verdict) *int { return &v.lost }, "%s stopped publishing: %v", who.bank, err)
			}
		})
		f.working.Go(func() { f.publish(ends, who) })
	}
	for _, partner := range []string{"messenger", follower} {
		for range subscribers {
			f.lasting.Go(func() { f.subscribe(lasting, partner) })
		}
	}
	return f, nil
}

func waited(ctx context.Context, d time.Duration) error {
	if !pause(ctx, d) {
		return ctx.Err() //nolint:wrapcheck // it says what it is
	}
	return nil
}

// follow makes a consent of the follower's.
func (c *cell) follow(ctx context.Context, who person, account string) (string, error) {
	at := c.stage.replicas[0]
	kinds := []datav1.DataCluster{datav1.DataCluster_DATA_CLUSTER_BALANCES}
	asked, err := partnerv1.NewConsentServiceClient(at.as(authn.Partner, follower)).RequestConsent(bounded(ctx), &partnerv1.RequestConsentRequest{
		BankId: who.bank, Terms: &consentv1.Terms{
			Clusters: kinds, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
			ValidUntil: timestamppb.New(time.Now().Add(90 * 24 * time.Hour)), UnattendedPerDay: 1,
		},
	})
	if err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	id := asked.GetConsent().GetConsentId()
	_, err = c.customer(at, who).AuthorizeConsent(bounded(ctx), &customerv1.AuthorizeConsentRequest{
		CustomerId: who.customer, ConsentId: id, Shares: []*consentv1.Share{{AccountId: account, Clusters: kinds}},
	})
	if err != nil {
		return "", fmt.Errorf("authorize: %w", err)
	}
	return id, nil
}

// publish makes events until the cell is over, and sends some of them again, in
// any order, past the publisher.
func (f *feeding) publish(ctx context.Context, who person) {
	var old []*bankv1.FeedEvent
	for pause(ctx, time.Duration(rand.Int64N(int64(15*time.Millisecond)))) {
		account := who.accounts[rand.IntN(len(who.accounts))]
		for range 1 + rand.IntN(4) {
			e, sequence := f.event(account)
			old = append(old, proto.CloneOf(e))
			old[len(old)-1].Sequence = sequence
			if err := f.publishers[who.bank].Put(context.WithoutCancel(ctx), account, e); err != nil {
				f.found(func(v *verdict) *int { return &v.lost }, "put: %v", err)
				return
			}
		}
		if old = old[max(0, len(old)-50):]; rand.IntN(10) == 0 {
			rand.Shuffle(len(old), func(i, j int) { old[i], old[j] = old[j], old[i] })
			again, _ := roaming{stage: f.cell.stage, bank: who.bank}.PublishBatch(ctx, &bankv1.PublishBatchRequest{Events: old})
			for _, r := range again.GetRejections() {
				f.found(func(v *verdict) *int { return &v.lost }, "sent again, it was rejected: %v", r)
			}
			old = nil
		}
	}
}

func (f *feeding) event(account string) (*bankv1.FeedEvent, int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put[account]++
	return &bankv1.FeedEvent{
		AccountId: account, OccurredAt: timestamppb.Now(), What: &bankv1.FeedEvent_BalanceChanged{BalanceChanged: &bankv1.BalanceChanged{
			Balances: []*datav1.Balance{{
				Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_BOOKED, AsOf: timestamppb.Now(),
				Amount: &money.Money{CurrencyCode: "CZK", Units: f.put[account]},
			}},
		}},
	}, f.put[account]
}

// subscribe receives at one replica after the other. While the cell goes on,
// streams are cut.
func (f *feeding) subscribe(ctx context.Context, partner string) {
	for pause(ctx, time.Duration(rand.Int64N(int64(50*time.Millisecond)))) {
		at := f.cell.stage.replicas[rand.IntN(replicaCount)]
		streaming, cut := context.WithCancel(ctx)
		f.mu.Lock()
		if f.cutting {
			time.AfterFunc(200*time.Millisecond+time.Duration(rand.Int64N(int64(2*time.Second))), cut)
		}
		f.mu.Unlock()
		if err := f.receive(streaming, at, partner); ctx.Err() == nil {
			f.cell.history.refuse("STREAM_" + status.Code(err).String())
		}
		cut()
	}
}

// receive ends with what ended the stream.
func (f *feeding) receive(ctx context.Context, at *replica, partner string) error {
	stream, err := partnerv1.NewEventServiceClient(at.as(authn.Partner, partner)).Subscribe(ctx)
	if err == nil {
		err = stream.Send(&partnerv1.SubscribeRequest{Credits: 50})
	}
	for err == nil {
		var answer *partnerv1.SubscribeResponse
		if answer, err = stream.Recv(); err != nil {
			break
		}
		done := &partnerv1.SubscribeRequest{Credits: int32(len(answer.GetEvents()))}
		for _, e := range answer.GetEvents() {
			f.came(e, partner == follower)
			done.Acknowledgements = append(done.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
		}
		err = stream.Send(done)
	}
	return err //nolint:wrapcheck // read by its code
}

// came judges one delivery: of each account in order, and twice only if it says
// so; and of those that must get everything, without a gap.
func (f *feeding) came(e *partnerv1.Event, everything bool) {
	for _, a := range e.GetBalance().GetAccounts() {
		b := a.GetBalances()[0]
		sequence, release := b.GetAmount().GetUnits(), e.GetBalance().GetRelease()
		at := lane{e.GetConsentId(), a.GetAccountId()}
		if everything { // partners do not know the bank's own name
			at.account = f.accountOf(at.consent)
		}
		f.mu.Lock()
		last, known := f.lanes[at]
		f.lanes[at] = max(last, sequence)
		f.mu.Unlock()
		switch {
		case known && sequence <= last && !e.GetRedelivered():
			f.found(func(v *verdict) *int { return &v.outOfOrder }, "%s: %d came again and did not say so, after %d", at, sequence, last)
		case everything && sequence > last+1:
			f.found(func(v *verdict) *int { return &v.outOfOrder }, "%s: %d came after %d", at, sequence, last)
		}
		f.cell.history.answer(operation{e.GetConsentId(), release.GetGrantRevision(), release.GetDisclosureId(), b.GetAsOf().AsTime(), time.Now()})
	}
}

func (f *feeding) accountOf(consent string) string {
	for account, id := range f.followed {
		if id == consent {
			return account
		}
	}
	return ""
}

func (f *feeding) found(count func(*verdict) *int, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.found(count(&f.faults), format, args...)
}

// drained waits, once all is well again, until every event is durable and the
// follower has all of them, and ends the traffic.
func (f *feeding) drained(ctx context.Context) verdict {
	f.working.Wait()
	f.mu.Lock()
	f.cutting = false
	f.mu.Unlock()
	settling, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for bank, p := range f.publishers {
		if err := p.Settled(settling); err != nil {
			f.found(func(v *verdict) *int { return &v.lost }, "%s could not publish all: %v", bank, err)
		}
	}
	for began := time.Now(); ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
		missing := f.missing()
		if len(missing) > 0 && time.Since(began) < drainWithin {
			continue
		}
		for _, why := range missing {
			f.found(func(v *verdict) *int { return &v.lost }, "%s", why)
		}
		break
	}
	f.stop()
	f.lasting.Wait()
	for _, who := range people() {
		for _, account := range who.accounts {
			_, _ = f.cell.customer(f.cell.stage.replicas[0], who).RevokeConsent(bounded(ctx),
				&customerv1.RevokeConsentRequest{CustomerId: who.customer, ConsentId: f.followed[account]})
		}
	}
	return f.faults
}

// missing are the accounts of which the follower has not got everything.
func (f *feeding) missing() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for account, id := range f.followed {
		if got := f.lanes[lane{id, account}]; got < f.put[account] {
			out = append(out, fmt.Sprintf("%s: %d of %d came", account, got, f.put[account]))
		}
	}
	return out
}

// roaming is a bank's connection to whichever replica, cut now and then.
type roaming struct {
	bankv1.FeedServiceClient
	stage *stage
	bank  string
}

func (r roaming) any() bankv1.FeedServiceClient {
	return bankv1.NewFeedServiceClient(r.stage.replicas[rand.IntN(replicaCount)].as(authn.Bank, r.bank))
}

func (r roaming) Publish(ctx context.Context, o ...grpc.CallOption) (grpc.BidiStreamingClient[bankv1.PublishRequest, bankv1.PublishResponse], error) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(300*time.Millisecond+time.Duration(rand.Int64N(int64(2*time.Second))), cancel)
	return r.any().Publish(ctx, o...) //nolint:wrapcheck // read by its code
}

func (r roaming) PublishBatch(ctx context.Context, in *bankv1.PublishBatchRequest, o ...grpc.CallOption) (*bankv1.PublishBatchResponse, error) {
	return r.any().PublishBatch(bounded(ctx), in, o...) //nolint:wrapcheck // read by its code
}

func (r roaming) GetFeedPosition(ctx context.Context, in *bankv1.GetFeedPositionRequest, o ...grpc.CallOption) (*bankv1.GetFeedPositionResponse, error) {
	return r.any().GetFeedPosition(bounded(ctx), in, o...) //nolint:wrapcheck // read by its code
}
