package bankapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/consent"
	"sluice/feed"
	"sluice/feed/feedtest"
	"sluice/gateway/bankapi"
	"sluice/gateway/codec"
	"sluice/gateway/interceptor"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/refusal"
	"sluice/registry"
	"sluice/seal"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type admitAll struct{}

func (admitAll) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

// world is the door for banks in front of a feed, over real connections. It is
// also the parts of the door that are not the feed.
type world struct {
	t       *testing.T
	ca      *devca.Authority
	address string
	feed    *feed.Feed

	mu        sync.Mutex
	commits   [][]feed.Event
	withdrawn []string
	before    func() // in each commit
	fail      error
	standing  registry.Standing
	sharers   []consent.CustomerID
}

func (w *world) Publish(ctx context.Context, bank consent.BankID, events []feed.Event) ([]feed.Position, []feed.Rejection, error) {
	w.mu.Lock()
	before, fail := w.before, w.fail
	w.commits = append(w.commits, events)
	w.mu.Unlock()
	if before != nil {
		before()
	}
	if fail != nil {
		return nil, nil, fail
	}
	return w.feed.Publish(ctx, bank, events)
}

func (w *world) Positions(ctx context.Context, bank consent.BankID, accounts []consent.AccountID) ([]feed.Position, error) {
	return w.feed.Positions(ctx, bank, accounts)
}

func (w *world) WithdrawEverywhere(ctx context.Context, bank consent.ByBank, customer consent.CustomerID, account consent.AccountID) ([]consent.Consent, error) {
	at, err := w.feed.Positions(ctx, consent.BankID(bank), []consent.AccountID{account})
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.withdrawn = append(w.withdrawn, fmt.Sprintf("%s of %s at %d", account, customer, at[0].Sequence))
	return nil, nil
}

func (w *world) Sharers(context.Context, consent.BankID, consent.AccountID) ([]consent.CustomerID, error) {
	return w.sharers, nil
}

func (w *world) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return registry.Bank{ID: id, Standing: w.standing}, nil
}

func open(t *testing.T) *world {
	t.Helper()
	sealer, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, standing: registry.Active}
	w.feed = feed.New(feedtest.NewMemory(func() time.Time { return noon }), sealer, &feed.Bell{})
	if w.ca, err = devca.Open(t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	var methods authn.Methods
	calls := interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, MaxDuration: 30 * time.Second,
		Methods: func() authn.Methods { return methods }, Validator: validator, SelfChecked: bankapi.SelfChecked(),
	}
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(w.issue(authn.Gateway, "gateway"), w.ca.Roots(), admitAll{})),
		grpc.ForceServerCodecV2(codec.New()), grpc.MaxRecvMsgSize(1<<20), interceptor.Unary(calls), interceptor.Stream(calls))
	bankapi.NewFeeds(w, w, w, w, validator).Register(s)
	if methods, err = authn.MethodsOf(s.GetServiceInfo()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return w
}

func (w *world) issue(kind authn.Kind, id string) tls.Certificate {
	w.t.Helper()
	cert, err := w.ca.Issue(authn.Identity{Kind: kind, ID: id}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return cert
}

func (w *world) as(kind authn.Kind, id string) bankv1.FeedServiceClient {
	w.t.Helper()
	conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(
		authn.ClientCredentials(w.issue(kind, id), w.ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return bankv1.NewFeedServiceClient(conn)
}

func (w *world) morava() bankv1.FeedServiceClient { return w.as(authn.Bank, "morava") }

// posted is a transaction that was posted at once.
func posted(account string, sequence int64, id string) *bankv1.FeedEvent {
	return event(account, sequence, &bankv1.FeedEvent_TransactionPosted{TransactionPosted: &datav1.Transaction{
		TransactionId: id, Status: datav1.TransactionStatus_TRANSACTION_STATUS_POSTED, BookingDate: &date.Date{Year: 2026, Month: 11, Day: 24},
	}})
}

// event makes an event of one of the contract's kinds.
func event(account string, sequence int64, what any) *bankv1.FeedEvent {
	e := &bankv1.FeedEvent{AccountId: account, Sequence: sequence, OccurredAt: timestamppb.New(noon)}
	switch what := what.(type) {
	case *bankv1.FeedEvent_TransactionPosted:
		e.What = what
	case *bankv1.FeedEvent_TransactionChanged:
		e.What = what
	case *bankv1.FeedEvent_BalanceChanged:
		e.What = what
	case *bankv1.FeedEvent_FraudAlertRaised:
		e.What = what
	case *bankv1.FeedEvent_ConversationMessage:
		e.What = what
	case *bankv1.FeedEvent_ConversationChanged:
		e.What = what
	case *bankv1.FeedEvent_AccountClosed:
		e.What = what
	case *bankv1.FeedEvent_CustomerLeft:
		e.What = what
	}
	return e
}

func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func TestGarbageIsRefusedByFieldAndTheRestIsTaken(t *testing.T) {
	w := open(t)
	undated := posted("A6", 1, "t")
	undated.GetTransactionPosted().BookingDate = &date.Date{Year: 2026, Month: 2, Day: 30}
	late := posted("A9", 1, "t")
	late.OccurredAt = &timestamppb.Timestamp{Seconds: 1 << 60}
	type fault struct{ account, field string }
	for _, tt := range []struct {
		event *bankv1.FeedEvent
		want  fault
	}{
		{posted("A1", 0, "t"), fault{"A1", "sequence"}},
		{posted(strings.Repeat("x", 129), 1, "t"), fault{strings.Repeat("x", 129), "account_id"}},
		{&bankv1.FeedEvent{AccountId: "A2", Sequence: 1, OccurredAt: timestamppb.New(noon)}, fault{"A2", "what"}},
		{&bankv1.FeedEvent{AccountId: "A3", Sequence: 1, What: posted("A3", 1, "t").GetWhat()}, fault{"A3", "occurred_at"}},
		{late, fault{"A9", "occurred_at"}},
		{posted("A4", 1, ""), fault{"A4", "transaction_posted.transaction_id"}},
		{event("A5", 1, &bankv1.FeedEvent_BalanceChanged{BalanceChanged: &bankv1.BalanceChanged{}}), fault{"A5", "balance_changed.balances"}},
		{event("A5", 1, &bankv1.FeedEvent_BalanceChanged{BalanceChanged: &bankv1.BalanceChanged{Balances: []*datav1.Balance{{}, {}}}}), fault{"A5", "balance_changed.balances"}},
		{undated, fault{"A6", "transaction_posted.booking_date"}},
		{event("A7", 1, &bankv1.FeedEvent_FraudAlertRaised{FraudAlertRaised: &datav1.FraudAlert{}}), fault{"A7", "fraud_alert_raised.alert_id"}},
		{event("A8", 1, &bankv1.FeedEvent_FraudAlertRaised{FraudAlertRaised: &datav1.FraudAlert{
			AlertId: "a", Choices: []datav1.AlertChoice{0},
		}}), fault{"A8", "fraud_alert_raised.choices[0]"}},
		{event("A8", 1, &bankv1.FeedEvent_CustomerLeft{CustomerLeft: &bankv1.CustomerLeft{}}), fault{"A8", "customer_left.customer_id"}},
		{event("A8", 1, &bankv1.FeedEvent_CustomerLeft{CustomerLeft: &bankv1.CustomerLeft{CustomerId: "c\x00"}}), fault{"A8", "customer_left.customer_id"}},
	} {
		good := fmt.Sprintf("good of %s %s", tt.want.account[:2], tt.want.field)
		out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{tt.event, posted(good, 1, "t")}})
		if err != nil {
			t.Errorf("%s: %v", tt.want.field, err)
			continue
		}
		r := out.GetRejections()
		if len(r) != 1 || (fault{r[0].GetAccountId(), r[0].GetField()}) != tt.want || r[0].GetDescription() == "" || r[0].GetSequence() != tt.event.GetSequence() {
			t.Errorf("rejected %v, want %v", r, tt.want)
		}
		p := out.GetPositions()
		if len(p) != 2 || p[0].GetSequence() != 0 || p[1].GetAccountId() != good || p[1].GetSequence() != 1 {
			t.Errorf("%s: positions %v, want the good one taken", tt.want.field, p)
		}
	}
}

func TestWhatTheFeedRejectsIsSaidOfItsOwnRequest(t *testing.T) {
	w := open(t)
	out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{posted("A1", 1, "t"), posted("A1", 2, "t"), posted("A2", 4, "u")}})
	if err != nil {
		t.Fatal(err)
	}
	if r := out.GetRejections(); len(r) != 1 || r[0].GetSequence() != 2 || r[0].GetField() != "what.transaction_id" {
		t.Errorf("rejected %v, want the id used twice", r)
	}
	if p := out.GetPositions(); len(p) != 2 || p[0].GetSequence() != 1 || p[1].GetSequence() != 0 || p[1].GetMissingFrom() != 1 {
		t.Errorf("positions = %v, want A1 at 1 and A2 missing from 1", p)
	}
}

func TestRequestsOfTheWrongSizeAreRefusedWhole(t *testing.T) {
	w := open(t)
	many := make([]*bankv1.FeedEvent, 501)
	for i := range many {
		many[i] = posted("A1", int64(i+1), fmt.Sprint(i))
	}
	large := posted("A1", 1, "t")
	large.GetTransactionPosted().Description = strings.Repeat("x", 17<<10)
	for name, events := range map[string][]*bankv1.FeedEvent{"none": nil, "too many": many} {
		if _, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: events}); reasonOf(err) != "INVALID_REQUEST" {
			t.Errorf("%s: %v", name, err)
		}
	}
	out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{large}})
	if err != nil || len(out.GetRejections()) != 1 {
		t.Errorf("an event that is too large: %v, %v", out, err)
	}
}

func TestABankReachesItsOwnAccountsOnly(t *testing.T) {
	w := open(t)
	publish := func(as string, e *bankv1.FeedEvent) *bankv1.PublishBatchResponse {
		out, err := w.as(authn.Bank, as).PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{e}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	publish("morava", posted("A1", 1, "t"))
	if p := publish("tatra", posted("A1", 2, "u")).GetPositions(); p[0].GetSequence() != 0 || p[0].GetMissingFrom() != 1 {
		t.Errorf("another bank's account of the same name is at %v", p)
	}
	at, err := w.as(authn.Bank, "tatra").GetFeedPosition(t.Context(), &bankv1.GetFeedPositionRequest{AccountIds: []string{"A1"}})
	if err != nil || at.GetPositions()[0].GetSequence() != 0 {
		t.Errorf("another bank sees %v, %v", at, err)
	}
	for _, kind := range []authn.Kind{authn.Partner, authn.Operator} {
		_, err := w.as(kind, "morava").PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{posted("A1", 1, "t")}})
		if reasonOf(err) != "CALLER_NOT_PERMITTED" {
			t.Errorf("as a %s: %v", authn.KindName(kind), err)
		}
	}
}

func TestASuspendedBankPublishesNothing(t *testing.T) {
	w := open(t)
	w.standing = registry.Suspended
	_, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{posted("A1", 1, "t")}})
	if reasonOf(err) != "BANK_SUSPENDED" || len(w.commits) != 0 {
		t.Errorf("published: %v after %d commits", err, len(w.commits))
	}
}

func TestAnAccountLeavesTheConsentsBeforeTheEventIsTaken(t *testing.T) {
	closed := event("A1", 2, &bankv1.FeedEvent_AccountClosed{AccountClosed: &bankv1.AccountClosed{}})
	left := event("A1", 2, &bankv1.FeedEvent_CustomerLeft{CustomerLeft: &bankv1.CustomerLeft{CustomerId: "c9"}})
	for _, tt := range []struct {
		name     string
		requests [][]*bankv1.FeedEvent
		want     []string
	}{
		{"closed", [][]*bankv1.FeedEvent{{posted("A1", 1, "t"), closed}}, []string{"A1 of c1 at 1", "A1 of c2 at 1"}},
		{"left", [][]*bankv1.FeedEvent{{posted("A1", 1, "t"), left}}, []string{"A1 of c9 at 1"}},
		{"out of order in one request", [][]*bankv1.FeedEvent{{left, posted("A1", 1, "t")}}, []string{"A1 of c9 at 1"}},
		{"sent again", [][]*bankv1.FeedEvent{{posted("A1", 1, "t"), left}, {left}, {posted("A1", 1, "t"), left}}, []string{"A1 of c9 at 1"}},
		{"after a gap", [][]*bankv1.FeedEvent{{left}}, nil},
		{"after a gap that is filled", [][]*bankv1.FeedEvent{{left}, {posted("A1", 1, "t")}, {left}}, []string{"A1 of c9 at 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t)
			w.sharers = []consent.CustomerID{"c1", "c2"}
			for _, events := range tt.requests {
				if _, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: events}); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(w.withdrawn, tt.want) {
				t.Errorf("withdrawn %q, want %q", w.withdrawn, tt.want)
			}
		})
	}
}

// What was missing may come another way between the look at the position and the
// commit: taken then, the event would be done with before the account has left.
func TestAnAccountLeavesFirstAlsoWhenAGapIsFilledMeanwhile(t *testing.T) {
	w := open(t)
	fill := sync.OnceFunc(func() {
		_, _, err := w.feed.Publish(t.Context(), "morava", []feed.Event{{Account: "A1", Sequence: 1, Kind: feed.AccountWithdrawn}})
		if err != nil {
			t.Error(err)
		}
	})
	w.before = fill
	left := event("A1", 2, &bankv1.FeedEvent_CustomerLeft{CustomerLeft: &bankv1.CustomerLeft{CustomerId: "c9"}})
	var positions []*bankv1.FeedPosition
	for range 2 {
		got, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{left}})
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, got.GetPositions()...)
	}
	want := []*bankv1.FeedPosition{{AccountId: "A1", Sequence: 1, MissingFrom: 2}, {AccountId: "A1", Sequence: 2}}
	if d := cmp.Diff(want, positions, protocmp.Transform()); d != "" {
		t.Errorf("positions (-want +got):\n%s", d)
	}
	if want := []string{"A1 of c9 at 1"}; !slices.Equal(w.withdrawn, want) {
		t.Errorf("withdrawn %q, want %q", w.withdrawn, want)
	}
}

func TestAFeedThatCanNotBeKeptIsSaidSoAndNothingOfWhy(t *testing.T) {
	w := open(t)
	w.fail = errors.New("disk A1 failed")
	_, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{posted("A1", 1, "t")}})
	if reasonOf(err) != refusal.Name(refusal.RecordUnavailable) || status.Code(err) != codes.Unavailable || strings.Contains(err.Error(), "disk") {
		t.Errorf("published: %v", err)
	}
}

func TestAnswersOfAStreamComeInTheOrderOfRequests(t *testing.T) {
	w := open(t)
	stream, err := w.morava().Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	go func() {
		for i := range n {
			bad := posted(fmt.Sprintf("A%d", i), 0, "t")
			_ = stream.Send(&bankv1.PublishRequest{Events: []*bankv1.FeedEvent{posted("A", int64(i+1), fmt.Sprint(i)), posted(fmt.Sprintf("A%d", i), 1, "t"), bad}})
		}
		_ = stream.CloseSend()
	}()
	for i := range n {
		a, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		p := a.GetPositions()
		if len(p) != 2 || p[0].GetSequence() < int64(i+1) || p[1].GetAccountId() != fmt.Sprintf("A%d", i) || p[1].GetSequence() != 1 {
			t.Fatalf("answer %d = %v", i, a)
		}
		if r := a.GetRejections(); len(r) != 1 || r[0].GetAccountId() != fmt.Sprintf("A%d", i) {
			t.Fatalf("answer %d rejects %v", i, r)
		}
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	if len(w.commits) >= n {
		t.Errorf("%d commits for %d requests; want that they share some", len(w.commits), n)
	}
}

func TestABankAheadOfTheGatewayIsHeldBack(t *testing.T) {
	w := open(t)
	let := make(chan struct{})
	w.before = func() { <-let }
	stream, err := w.morava().Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	large := posted("A", 1, "t")
	large.GetTransactionPosted().Description = strings.Repeat("x", 15<<10)
	request := &bankv1.PublishRequest{}
	for range 50 {
		request.Events = append(request.Events, large)
	}
	var sent sync.WaitGroup
	var mu sync.Mutex
	n := 0
	sent.Go(func() {
		for range 40 { // 30 MB
			if stream.Send(request) != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
		}
		_ = stream.CloseSend()
	})
	time.Sleep(300 * time.Millisecond) // as much as ever would go has gone
	mu.Lock()
	if n >= 10 {
		t.Errorf("%d requests of 750 KiB were taken in without an answer", n)
	}
	mu.Unlock()
	close(let)
	for range 40 {
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	sent.Wait()
}

func TestAMalformedRequestEndsAStreamAfterThoseBeforeItAreAnswered(t *testing.T) {
	w := open(t)
	stream, err := w.morava().Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*bankv1.PublishRequest{{Events: []*bankv1.FeedEvent{posted("A1", 1, "t")}}, {}} {
		if err := stream.Send(r); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := stream.Recv(); err != nil || a.GetPositions()[0].GetSequence() != 1 {
		t.Errorf("first answer = %v, %v", a, err)
	}
	if _, err := stream.Recv(); reasonOf(err) != "INVALID_REQUEST" {
		t.Errorf("then %v, want INVALID_REQUEST", err)
	}
}
