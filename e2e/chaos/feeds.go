package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
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
	subscribers  = 2 // of each partner; and one more consumer pulls
	settleWithin = 40 * time.Second
	drainWithin  = 90 * time.Second
)

// feeding is a cell's traffic of events: banks that publish, two partners that
// receive, each with several consumers, and one that stops reading. The amount
// of each balance is its sequence, and the moment it is of is when it was made.
type feeding struct {
	*arrivals
	cell       *cell
	publishers map[string]*samplebank.Publisher
	asleep     *sleeper
	draining   time.Duration  // how long the last events took when all was well
	working    sync.WaitGroup // until the cell is over
	lasting    sync.WaitGroup // until all is drained
	stop       context.CancelFunc
	consumers  []*consumer
}

// feed begins to publish and receive; ends is when the cell does.
func (c *cell) feed(ctx, ends context.Context) (_ *feeding, err error) {
	lasting, stop := context.WithCancel(ctx)
	f := &feeding{cell: c, stop: stop, arrivals: newArrivals(c.history), publishers: map[string]*samplebank.Publisher{}}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	for _, who := range people() {
		f.publishers[who.bank] = f.publisher(who.bank)
		for _, account := range who.accounts {
			if err := f.follow(ctx, who, account); err != nil {
				return nil, err
			}
		}
	}
	if f.asleep, err = f.sleeper(ctx); err != nil {
		return nil, err
	}
	for _, partner := range []string{"messenger", follower} {
		for n := range subscribers + 1 {
			c, err := f.consumer(ctx, partner)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				f.lasting.Go(func() { f.pull(lasting, ends, c) })
				continue
			}
			f.lasting.Go(func() { f.subscribe(lasting, c) })
		}
	}
	for _, who := range people() {
		f.lasting.Go(func() { f.send(lasting, who.bank, f.publishers[who.bank]) })
		f.working.Go(func() { f.publish(ends, who) })
	}
	f.lasting.Go(func() { f.send(lasting, dreamerBank, f.asleep.publisher) })
	f.lasting.Go(func() { f.asleep.subscribe(lasting) })
	f.working.Go(func() { f.asleep.nap(ends) })
	return f, nil
}

// publisher is a bank's, on whichever replica.
func (f *feeding) publisher(bank string) *samplebank.Publisher {
	return samplebank.NewPublisher(samplebank.PublisherConfig{Client: roaming{stage: f.cell.stage, bank: bank}, Batch: 20, Wait: waited})
}

// consumer is one whose ways end with the traffic.
func (f *feeding) consumer(ctx context.Context, partner string) (*consumer, error) {
	c, err := f.cell.stage.newConsumer(ctx, partner)
	if err == nil {
		f.consumers = append(f.consumers, c)
	}
	return c, err
}

// follow lets the follower have an account, from where its feed stands.
func (f *feeding) follow(ctx context.Context, who person, account string) error {
	at, err := f.publishers[who.bank].Resume(ctx, account)
	if err != nil {
		return fmt.Errorf("begin to publish: %w", err)
	}
	f.put[account] = at[account]
	id, err := f.cell.consent(ctx, follower, who.bank, who.customer, account, datav1.DataCluster_DATA_CLUSTER_BALANCES)
	if err != nil {
		return fmt.Errorf("begin to follow: %w", err)
	}
	f.expect(id, account)
	return nil
}

func (f *feeding) send(ctx context.Context, bank string, p *samplebank.Publisher) {
	if err := p.Run(ctx); err != nil {
		f.found(func(v *verdict) *int { return &v.lost }, "%s stopped publishing: %v", bank, err)
	}
}

func waited(ctx context.Context, d time.Duration) error {
	if !pause(ctx, d) {
		return ctx.Err() //nolint:wrapcheck // it says what it is
	}
	return nil
}

// consent makes one of a partner's, for an account and kinds of data.
func (c *cell) consent(ctx context.Context, partner, bank, customer, account string, kinds ...datav1.DataCluster) (string, error) {
	at := c.stage.replicas[0]
	asked, err := partnerv1.NewConsentServiceClient(at.as(authn.Partner, partner)).RequestConsent(bounded(ctx), &partnerv1.RequestConsentRequest{
		BankId: bank, Terms: &consentv1.Terms{
			Clusters: kinds, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it", LookBackDays: 90,
			ValidUntil: timestamppb.New(time.Now().Add(90 * 24 * time.Hour)), UnattendedPerDay: 1,
		},
	})
	if err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	id := asked.GetConsent().GetConsentId()
	_, err = customerv1.NewConsentServiceClient(at.as(authn.Bank, bank)).AuthorizeConsent(bounded(ctx), &customerv1.AuthorizeConsentRequest{
		CustomerId: customer, ConsentId: id, Shares: []*consentv1.Share{{AccountId: account, Clusters: kinds}},
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
	for pause(ctx, time.Duration(rand.Int64N(int64(30*time.Millisecond)))) {
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
	sequence := f.next(account)
	return &bankv1.FeedEvent{
		AccountId: account, OccurredAt: timestamppb.Now(), What: &bankv1.FeedEvent_BalanceChanged{BalanceChanged: &bankv1.BalanceChanged{
			Balances: []*datav1.Balance{{
				Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_BOOKED, AsOf: timestamppb.Now(),
				Amount: &money.Money{CurrencyCode: "CZK", Units: sequence},
			}},
		}},
	}, sequence
}

// drained waits, once all is well again, until every event is durable and those
// who must get everything have it, and ends the traffic.
func (f *feeding) drained(ctx context.Context) verdict {
	f.working.Wait()
	f.calm()
	settling, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for _, p := range append(slices.Collect(maps.Values(f.publishers)), f.asleep.publisher) {
		if err := p.Settled(settling); err != nil {
			f.found(func(v *verdict) *int { return &v.lost }, "not all could be published: %v", err)
		}
	}
	began := time.Now()
	for ; ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
		missing, patience := f.missing(), drainWithin
		if f.failed() {
			patience = 0 // it may never come
		}
		if len(missing) > 0 && time.Since(began) < patience {
			continue
		}
		for _, why := range missing {
			f.found(func(v *verdict) *int { return &v.lost }, "%s", why)
		}
		break
	}
	f.draining = time.Since(began)
	f.stop()
	f.lasting.Wait()
	for _, c := range f.consumers {
		c.close()
	}
	for _, who := range people() {
		for _, account := range who.accounts {
			f.cell.revoke(ctx, who.bank, who.customer, f.consentOf(account))
		}
	}
	f.asleep.end(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.naps, f.faults.unread = f.asleep.naps, f.asleep.most
	return f.faults
}

// revoke says which revision the consent ended with, or that it is not known.
func (c *cell) revoke(ctx context.Context, bank, customer, id string) (revision int64, known bool) {
	at := c.stage.replicas[rand.IntN(replicaCount)]
	out, err := customerv1.NewConsentServiceClient(at.as(authn.Bank, bank)).RevokeConsent(bounded(ctx),
		&customerv1.RevokeConsentRequest{CustomerId: customer, ConsentId: id})
	return out.GetConsent().GetRevision(), err == nil
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
