package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const callTimeout = 3 * time.Second

// workload is who calls how often.
type workload struct {
	name     string
	consents int  // live at once
	pullers  int  // that pull without pause
	changers int  // that change one consent after the other
	twins    bool // each change is asked for at two replicas at once
	feeds    bool // banks publish, partners receive
}

func workloads() []workload {
	return []workload{
		{"hot", 1, 6, 1, false, false},
		{"cold", 24, 4, 3, false, false},
		{"twins", 6, 4, 2, true, false},
		{"feeds", 4, 0, 1, false, true},
	}
}

// person is a customer of a sample bank, who has these accounts there, alone.
type person struct {
	bank, customer string
	accounts       [2]string
}

func people() []person {
	return []person{
		{"labe", "11314", [2]string{"A9188", "L6863"}},
		{"odra", "5911", [2]string{"A4894", "L5997"}},
		{"vltava", "10459", [2]string{"A8475", "L6721"}},
		{"morava", "2181", [2]string{"A1801", "L5316"}},
	}
}

// cell is one fault under one workload.
type cell struct {
	stage   *stage
	load    workload
	history *history
	retry   bool // calls that find a replica away are tried once at each other

	slots   []atomic.Pointer[slot]
	limited atomic.Int64 // calls refused that need not have been
}

// slot is where one consent stands; a new one takes its place when it ends.
type slot struct {
	id     string
	person person
}

// open makes the consents to begin with.
func (c *cell) open(ctx context.Context, seed uint64) error {
	c.slots = make([]atomic.Pointer[slot], c.load.consents)
	for i := range c.slots {
		if err := c.agree(ctx, i, rand.New(rand.NewPCG(seed, uint64(100+i)))); err != nil {
			return fmt.Errorf("agree: %w", err)
		}
	}
	return nil
}

// run goes on until ctx ends.
func (c *cell) run(ctx context.Context, seed uint64) {
	var all sync.WaitGroup
	for i := range c.load.pullers {
		all.Go(func() { c.pull(ctx, rand.New(rand.NewPCG(seed, uint64(200+i)))) })
	}
	for i := range c.load.changers {
		all.Go(func() { c.change(ctx, rand.New(rand.NewPCG(seed, uint64(300+i)))) })
	}
	all.Wait()
}

func kinds() []datav1.DataCluster {
	return []datav1.DataCluster{
		datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC, datav1.DataCluster_DATA_CLUSTER_BALANCES, datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC,
	}
}

// agree makes a live consent for a slot, trying again while things are broken.
func (c *cell) agree(ctx context.Context, i int, r *rand.Rand) error {
	who := people()[i%len(people())]
	var err error
	for try := 0; try < 200 && ctx.Err() == nil; try++ {
		at := c.stage.replicas[r.IntN(replicaCount)]
		var asked *partnerv1.RequestConsentResponse
		asked, err = partnerv1.NewConsentServiceClient(at.as(authn.Partner, "messenger")).RequestConsent(bounded(ctx), &partnerv1.RequestConsentRequest{
			BankId: who.bank, Terms: &consentv1.Terms{
				Clusters: kinds(), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it", LookBackDays: 90,
				ValidUntil: timestamppb.New(time.Now().Add(90 * 24 * time.Hour)), UnattendedPerDay: 100,
			},
		})
		if err == nil {
			id := asked.GetConsent().GetConsentId()
			_, err = c.customer(at, who).AuthorizeConsent(bounded(ctx), &customerv1.AuthorizeConsentRequest{
				CustomerId: who.customer, ConsentId: id, Shares: []*consentv1.Share{
					{AccountId: who.accounts[0], Clusters: kinds()}, {AccountId: who.accounts[1], Clusters: kinds()},
				},
			})
			if err == nil {
				c.slots[i].Store(&slot{id, who})
				return nil
			}
		}
		pause(ctx, 20*time.Millisecond)
	}
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func (c *cell) customer(at *replica, who person) customerv1.ConsentServiceClient {
	return customerv1.NewConsentServiceClient(at.as(authn.Bank, who.bank))
}

// bounded gives a call its time. The cell's end does not cut calls short: what
// they would have been told counts.
func bounded(ctx context.Context) context.Context {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	context.AfterFunc(out, cancel)
	return out
}

func (c *cell) pull(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		s := c.slots[r.IntN(len(c.slots))].Load()
		first := r.IntN(replicaCount)
		access := &partnerv1.Access{
			ConsentId: s.id, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
		}
		if r.IntN(4) == 0 {
			access.Attendance = partnerv1.Attendance_ATTENDANCE_UNATTENDED
		}
		begin := time.Now()
		released, err := c.pullOnce(ctx, c.stage.replicas[first], access)
		for n := 1; n < replicaCount && c.retry && status.Code(err) == codes.Unavailable; n++ {
			released, err = c.pullOnce(ctx, c.stage.replicas[(first+n)%replicaCount], access)
		}
		if err != nil {
			c.refused(err)
			pause(ctx, time.Duration(r.Int64N(int64(4*time.Millisecond))))
			continue
		}
		c.history.answer(operation{s.id, released.GetGrantRevision(), released.GetDisclosureId(), begin, time.Now(), false})
		pause(ctx, time.Duration(r.Int64N(int64(4*time.Millisecond))))
	}
}

func (c *cell) pullOnce(ctx context.Context, at *replica, access *partnerv1.Access) (*partnerv1.Release, error) {
	accounts := partnerv1.NewAccountServiceClient(at.as(authn.Partner, "messenger"))
	out, err := accounts.ListBalances(bounded(ctx), &partnerv1.ListBalancesRequest{Access: access})
	return out.GetRelease(), err //nolint:wrapcheck // read by its code
}

func (c *cell) refused(err error) {
	reason := status.Code(err).String()
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			reason = info.GetReason()
		}
	}
	switch reason {
	case "CONSENT_PAUSED", "CONSENT_REVOKED", "ACCESS_LIMIT_REACHED", "GRANT_CHANGED":
	default:
		c.limited.Add(1)
	}
	c.history.refuse(reason)
}

// change pauses, resumes, narrows and revokes, and agrees anew.
func (c *cell) change(ctx context.Context, r *rand.Rand) {
	for pause(ctx, time.Duration(r.Int64N(int64(30*time.Millisecond)))) {
		i := r.IntN(len(c.slots))
		s := c.slots[i].Load()
		kind, first := r.IntN(10), r.IntN(replicaCount)
		var both sync.WaitGroup
		ended := atomic.Bool{}
		for n := range replicaCount {
			if n > 0 && !c.load.twins || n > 1 {
				break
			}
			at := c.stage.replicas[(first+n)%replicaCount]
			both.Go(func() {
				if c.changeOnce(ctx, at, s, kind) {
					ended.Store(true)
				}
			})
		}
		both.Wait()
		if ended.Load() {
			if err := c.agree(ctx, i, r); err != nil {
				c.history.refuse("AGREE_" + status.Code(err).String())
			}
		}
	}
}

// changeOnce says whether the consent has ended, for all it knows.
func (c *cell) changeOnce(ctx context.Context, at *replica, s *slot, kind int) bool {
	customer := c.customer(at, s.person)
	begin := time.Now()
	var (
		consent interface{ GetRevision() int64 }
		err     error
		ended   bool
	)
	switch kind {
	case 0, 1, 2: // ends it
		var out *customerv1.RevokeConsentResponse
		out, err = customer.RevokeConsent(bounded(ctx), &customerv1.RevokeConsentRequest{CustomerId: s.person.customer, ConsentId: s.id})
		consent, ended = out.GetConsent(), true
	case 3:
		var out *customerv1.NarrowConsentResponse
		out, err = customer.NarrowConsent(bounded(ctx), &customerv1.NarrowConsentRequest{
			CustomerId: s.person.customer, ConsentId: s.id, Shares: []*consentv1.Share{{AccountId: s.person.accounts[0], Clusters: kinds()}},
		})
		consent = out.GetConsent()
	case 4, 5, 6:
		var out *customerv1.PauseConsentResponse
		out, err = customer.PauseConsent(bounded(ctx), &customerv1.PauseConsentRequest{CustomerId: s.person.customer, ConsentId: s.id})
		consent = out.GetConsent()
	default:
		var out *customerv1.ResumeConsentResponse
		out, err = customer.ResumeConsent(bounded(ctx), &customerv1.ResumeConsentRequest{CustomerId: s.person.customer, ConsentId: s.id})
		consent = out.GetConsent()
	}
	if err != nil {
		if code := status.Code(err); code != codes.FailedPrecondition && code != codes.Aborted && code != codes.InvalidArgument {
			c.history.refuse("CHANGE_" + code.String())
		}
		return ended
	}
	c.history.changed(operation{consent: s.id, revision: consent.GetRevision(), begin: begin, end: time.Now()})
	return ended
}
