package samplebank

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// publisher runs one until the test ends, and fails it if Run does.
func publisher(t *testing.T, c PublisherConfig) *Publisher {
	t.Helper()
	if c.Wait == nil {
		c.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	p := NewPublisher(c)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return p
}

func settled(t *testing.T, p *Publisher) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return p.Settled(ctx)
}

// inOrder fails the test unless the events are numbered from 1 without gaps.
func inOrder(t *testing.T, g *feedGateway, account string, count int) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.durable[account]) != count {
		t.Errorf("%s: %d events are durable, want %d", account, len(g.durable[account]), count)
	}
	for i, e := range g.durable[account] {
		if e.GetSequence() != int64(i+1) {
			t.Fatalf("%s: event %d is numbered %d", account, i+1, e.GetSequence())
		}
	}
}

func count(t *testing.T, b *Bank, account string) int {
	t.Helper()
	steps, err := b.scenes(Replay{Accounts: []string{account}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range steps {
		n += len(s.events)
	}
	return n
}

func TestAReplaySaysTheSameAsWhatIsPulled(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	p := publisher(t, PublisherConfig{Client: g.client(t)})
	if err := b.Replay(t.Context(), p, Replay{Accounts: []string{"A7753", "C1005"}}); err != nil {
		t.Fatal(err)
	}
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"A7753", "C1005"} {
		a := b.data.accounts[account]
		inOrder(t, g, account, count(t, b, account))
		final := map[string]*datav1.Transaction{}
		pending := map[string]bool{}
		var balances []*datav1.Balance
		for _, e := range g.durable[account] {
			for _, tx := range []*datav1.Transaction{e.GetTransactionPosted(), e.GetTransactionChanged()} {
				switch {
				case tx == nil:
				case tx.GetStatus() == datav1.TransactionStatus_TRANSACTION_STATUS_PENDING:
					if pending[tx.GetTransactionId()] || final[tx.GetTransactionId()] != nil || tx.GetBalanceAfter() != nil {
						t.Errorf("%s is pending: %v", tx.GetTransactionId(), tx)
					}
					pending[tx.GetTransactionId()] = true
				default:
					if final[tx.GetTransactionId()] != nil || pending[tx.GetTransactionId()] != (e.GetTransactionChanged() != nil) {
						t.Errorf("%s is posted: %v", tx.GetTransactionId(), e)
					}
					final[tx.GetTransactionId()] = tx
				}
			}
			if e.GetBalanceChanged() != nil {
				balances = e.GetBalanceChanged().GetBalances()
			}
			if e.GetOccurredAt().AsTime().After(b.now()) {
				t.Errorf("it is of tomorrow: %v", e)
			}
		}
		for _, tx := range a.transactions {
			if diff := cmp.Diff(tx.transaction(a, b.rolled()), final[tx.id], protocmp.Transform()); diff != "" {
				t.Errorf("%s (-pulled +published):\n%s", tx.id, diff)
			}
		}
		pulled, err := b.ListBalances(t.Context(), &bankv1.ListBalancesRequest{Subject: &bankv1.Subject{CustomerId: "9593", AccountIds: []string{account}}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pulled.GetAccounts()[0].GetBalances(), balances, protocmp.Transform(), protocmp.IgnoreFields(&datav1.Balance{}, "as_of")); diff != "" {
			t.Errorf("balances (-pulled +published):\n%s", diff)
		}
	}
}

func TestAReplayGoesOnWhereTheGatewayIs(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	client := g.client(t)
	whole := count(t, b, "A7753")
	part, err := b.scenes(Replay{Accounts: []string{"A7753"}, Days: 32, Before: 19})
	if err != nil || len(part) != 6 { // the transactions 19, 26 and 31 days before the newest, the last two of the bank's own
		t.Errorf("%d scenes in a part of the days: %v", len(part), err)
	}
	for _, until := range []int{1, 2, 50, 51, whole} {
		steps, err := b.scenes(Replay{Accounts: []string{"A7753"}})
		if err != nil {
			t.Fatal(err)
		}
		p := publisher(t, PublisherConfig{Client: client})
		positions, err := p.Resume(t.Context(), "A7753")
		if err != nil {
			t.Fatal(err)
		}
		left := until - int(positions["A7753"])
		for _, s := range behind(steps, positions) {
			if s.events = s.events[:min(left, len(s.events))]; len(s.events) > 0 {
				if err := p.Put(t.Context(), s.account, s.events...); err != nil {
					t.Fatal(err)
				}
			}
			left -= len(s.events)
		}
		if err := settled(t, p); err != nil {
			t.Fatal(err)
		}
		inOrder(t, g, "A7753", until)
	}
	last := g.durable["A7753"][whole-1].GetBalanceChanged().GetBalances()[0]
	if want := b.data.accounts["A7753"].balance().money("CZK"); !proto.Equal(want, last.GetAmount()) {
		t.Errorf("the last balance is %v, want %v", last, want)
	}
}

func TestACutStreamLosesAndRepeatsNothing(t *testing.T) {
	b := open(t, load(t), "morava")
	accounts := []string{"A7753", "C1005"}
	rapid.Check(t, func(rt *rapid.T) {
		g := newFeedGateway()
		g.cutAfter = rapid.SliceOfN(rapid.IntRange(1, 6), 0, 8).Draw(rt, "cut after")
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 30), 0, 3).Draw(rt, "lost requests") {
			g.lose[n] = true
		}
		cuts := 0
		p := publisher(t, PublisherConfig{
			Client: g.client(t), Batch: rapid.IntRange(1, 60).Draw(rt, "batch"), Window: rapid.IntRange(1, 5).Draw(rt, "window"),
			Cut: func(error) { cuts++ },
		})
		if err := b.Replay(t.Context(), p, Replay{Accounts: accounts, Days: 20}); err != nil {
			rt.Fatal(err)
		}
		if err := settled(t, p); err != nil {
			rt.Fatal(err)
		}
		steps, err := b.scenes(Replay{Accounts: accounts, Days: 20})
		if err != nil {
			rt.Fatal(err)
		}
		want := map[string][]*bankv1.FeedEvent{}
		for _, s := range steps {
			for _, e := range s.events {
				e.Sequence = int64(len(want[s.account]) + 1)
				want[s.account] = append(want[s.account], e)
			}
		}
		for _, account := range accounts {
			if !slices.EqualFunc(want[account], g.durable[account], func(x, y *bankv1.FeedEvent) bool { return proto.Equal(x, y) }) {
				rt.Fatalf("%s, after %d cuts: %v is durable, want %v", account, cuts, g.durable[account], want[account])
			}
		}
	})
}

func TestARejectedEventStopsItsAccountAndNoOther(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	a := b.data.accounts["A7753"]
	g.reject[a.transactions[4].id] = true
	told := make(chan error, 9)
	p := publisher(t, PublisherConfig{Client: g.client(t), Batch: 7, Trouble: func(err error) { told <- err }})
	if err := b.Replay(t.Context(), p, Replay{Accounts: []string{"A7753", "C1005"}}); err != nil {
		t.Fatal(err)
	}
	var rejected *RejectedError
	if err := settled(t, p); !errors.Is(err, ErrStopped) || !errors.As(err, &rejected) || rejected.Account != "A7753" || rejected.Field != "what.transaction_id" {
		t.Fatalf("settled = %v", err)
	}
	inOrder(t, g, "C1005", count(t, b, "C1005"))
	if err := <-told; len(told) != 0 || !errors.Is(err, rejected) {
		t.Errorf("told of %v and %d more", err, len(told))
	}
	if err := p.Put(t.Context(), "A7753", &bankv1.FeedEvent{}); !errors.As(err, &rejected) {
		t.Errorf("put behind it = %v", err)
	}
	inOrder(t, g, "A7753", int(rejected.Sequence)-1)
}

func TestAGatewayThatIsBehindHoldsTheBankBack(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	g.hold = make(chan struct{})
	p := publisher(t, PublisherConfig{Client: g.client(t), Batch: 10, Window: 3, Kept: 100})
	replayed := make(chan error, 1)
	go func() { replayed <- b.Replay(t.Context(), p, Replay{Accounts: []string{"C1005"}}) }()
	most := 0
	for held := true; held; {
		select {
		case g.hold <- struct{}{}:
			p.mu.Lock()
			most = max(most, p.kept())
			p.mu.Unlock()
		case err := <-replayed:
			if err != nil {
				t.Fatal(err)
			}
			held = false
		}
	}
	close(g.hold)
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	inOrder(t, g, "C1005", count(t, b, "C1005"))
	if most > 100 || g.waiting > 3 {
		t.Errorf("%d events were kept and %d requests on their way at once", most, g.waiting)
	}
}

func TestRequestsStayBelowWhatIsTaken(t *testing.T) {
	g := newFeedGateway()
	p := publisher(t, PublisherConfig{Client: g.client(t), Batch: 500})
	if _, err := p.Resume(t.Context(), "A1"); err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 100_000)
	for i := range long {
		long[i] = 'x'
	}
	for range 30 {
		if err := p.Put(t.Context(), "A1", &bankv1.FeedEvent{AccountId: "A1", What: &bankv1.FeedEvent_FraudAlertRaised{
			FraudAlertRaised: &datav1.FraudAlert{Text: string(long)},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	inOrder(t, g, "A1", 30)
	if g.largest > 1<<20 || g.largest < 500_000 {
		t.Errorf("the largest request had %d bytes", g.largest)
	}
}

func TestWhatIsRefusedEachTimeEndsThePublisher(t *testing.T) {
	for code, ends := range map[codes.Code]bool{codes.PermissionDenied: true, codes.Unauthenticated: true, codes.Unavailable: false, codes.ResourceExhausted: false} {
		g := newFeedGateway()
		client := g.client(t)
		ctx, stop := context.WithCancel(t.Context())
		var pauses []time.Duration
		p := NewPublisher(PublisherConfig{Client: client, Wait: func(_ context.Context, d time.Duration) error {
			if pauses = append(pauses, d); len(pauses) == 10 {
				stop()
			}
			return ctx.Err()
		}})
		if _, err := p.Resume(ctx, "A7753"); err != nil {
			t.Fatal(err)
		}
		if err := p.Put(ctx, "A7753", &bankv1.FeedEvent{AccountId: "A7753"}); err != nil {
			t.Fatal(err)
		}
		g.refuse = status.Error(code, "no")
		err := p.Run(ctx)
		if ends {
			if told := settled(t, p); status.Code(told) != code {
				t.Errorf("%v: settled = %v", code, told)
			}
		}
		stop()
		if ends != (status.Code(err) == code) || !ends && (len(pauses) != 10 || pauses[9] != lastPause || pauses[1] <= pauses[0]) {
			t.Errorf("%v: run = %v after pauses %v", code, err, pauses)
		}
	}
}

func TestASuspendedBankPublishesOnWhenItMay(t *testing.T) {
	no, err := status.New(codes.PermissionDenied, "the bank is suspended").WithDetails(&errdetails.ErrorInfo{Reason: "BANK_SUSPENDED", Domain: "sluice"})
	if err != nil {
		t.Fatal(err)
	}
	g := newFeedGateway()
	g.refuse = no.Err()
	waits, told := 0, make(chan error, 9)
	p := publisher(t, PublisherConfig{
		Client: g.client(t), Trouble: func(err error) { told <- err },
		Wait: func(ctx context.Context, _ time.Duration) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			if waits++; waits == 5 {
				g.refuse = nil
			}
			return ctx.Err()
		},
	})
	if _, err := p.Resume(t.Context(), "A1"); err != nil {
		t.Fatal(err)
	}
	if err := p.Put(t.Context(), "A1", &bankv1.FeedEvent{AccountId: "A1"}); err != nil {
		t.Fatal(err)
	}
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	inOrder(t, g, "A1", 1)
	if err := <-told; len(told) != 0 || !suspended(err) {
		t.Errorf("told of %v and %d more", err, len(told))
	}
}

func TestABankAsksUntilItsGatewayAnswers(t *testing.T) {
	g := newFeedGateway()
	g.refuse = status.Error(codes.Unavailable, "not yet")
	tries := 0
	p := NewPublisher(PublisherConfig{Client: g.client(t), Wait: func(ctx context.Context, _ time.Duration) error {
		if tries++; tries == 3 {
			g.mu.Lock()
			g.refuse = nil
			g.mu.Unlock()
		}
		return ctx.Err()
	}})
	if positions, err := p.Resume(t.Context(), "A1"); err != nil || tries != 3 || positions["A1"] != 0 {
		t.Errorf("resumed at %v after %d tries: %v", positions, tries, err)
	}
	g.refuse = status.Error(codes.PermissionDenied, "no bank")
	if _, err := p.Resume(t.Context(), "A2"); status.Code(err) != codes.PermissionDenied || tries != 3 {
		t.Errorf("resume = %v after %d tries", err, tries)
	}
}

func TestAGatewayThatForgotIsNotToldTheRest(t *testing.T) {
	g := newFeedGateway()
	g.cutAfter = []int{2}
	cut := make(chan struct{}, 1)
	p := publisher(t, PublisherConfig{Client: g.client(t), Batch: 1, Window: 1, Cut: func(error) {
		g.mu.Lock()
		g.durable["A1"] = nil
		g.mu.Unlock()
		cut <- struct{}{}
	}})
	if _, err := p.Resume(t.Context(), "A1"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := p.Put(t.Context(), "A1", &bankv1.FeedEvent{AccountId: "A1"}); err != nil {
			t.Fatal(err)
		}
	}
	<-cut
	if err := settled(t, p); !errors.Is(err, errForgotten) {
		t.Errorf("settled = %v", err)
	}
	if len(g.durable["A1"]) != 0 {
		t.Error("events went out behind a gap")
	}
}

func TestAReplayKeepsItsPace(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	var waited time.Duration
	p := NewPublisher(PublisherConfig{Client: g.client(t), Kept: 1 << 20, Wait: func(_ context.Context, d time.Duration) error {
		waited += d
		return nil
	}})
	if err := b.Replay(t.Context(), p, Replay{Accounts: []string{"A7753"}, Days: 28, Speed: 24 * 60}); err != nil {
		t.Fatal(err)
	}
	// From noon of October 24 to the evening of November 19, a day a minute.
	if want := 26*time.Minute + 15*time.Second; waited != want {
		t.Errorf("it took %v, want %v", waited, want)
	}
	if err := b.Replay(t.Context(), p, Replay{Accounts: []string{"A1"}}); !errors.Is(err, errNotHere) {
		t.Errorf("an account of another bank: %v", err)
	}
	if err := p.Put(t.Context(), "A2", &bankv1.FeedEvent{}); !errors.Is(err, errUnknownAccount) {
		t.Errorf("an account without a position: %v", err)
	}
}

func TestAnAlertIsPublishedAndWhatCameOfIt(t *testing.T) {
	b, at := clocked(t)
	g := newFeedGateway()
	p := publisher(t, PublisherConfig{Client: g.client(t), Wait: func(ctx context.Context, d time.Duration) error {
		*at = at.Add(d)
		return ctx.Err()
	}})
	var told []Answered
	b.OnAnswer(func(a Answered) { told = append(told, a) })
	if err := b.Replay(t.Context(), p, Replay{Accounts: []string{"C1005"}}); err != nil {
		t.Fatal(err)
	}
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	raised := map[string]*datav1.FraudAlert{}
	for i, e := range g.durable["C1005"] {
		if alert := e.GetFraudAlertRaised(); alert != nil {
			raised[alert.GetAlertId()] = alert
			if about := g.durable["C1005"][i-1].GetTransactionPosted().GetTransactionId(); about != alert.GetTransactionId() || alert.GetStatus() != datav1.AlertStatus_ALERT_STATUS_OPEN {
				t.Errorf("behind %s: %v", about, alert)
			}
		}
	}
	if want := len(b.alertsOf(b.data.accounts["C1005"])); len(raised) != want {
		t.Errorf("%d alerts were raised, want %d", len(raised), want)
	}
	open := listed(t, b, "C1005")[0]
	if diff := cmp.Diff(open, raised[open.GetAlertId()], protocmp.Transform()); diff != "" {
		t.Errorf("(-listed +published):\n%s", diff)
	}
	answered(t, b, "a1", "C1005", open.GetAlertId(), notMe)
	if err := b.Resolve(t.Context(), p, told[0]); err != nil {
		t.Fatal(err)
	}
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	all := g.durable["C1005"]
	if last := all[len(all)-1].GetFraudAlertResolved(); last.GetAlertId() != open.GetAlertId() || last.GetOutcome() != datav1.AlertOutcome_ALERT_OUTCOME_FRAUD {
		t.Errorf("the last event is %v", all[len(all)-1])
	}
}
