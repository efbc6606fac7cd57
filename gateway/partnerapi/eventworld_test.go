package partnerapi_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/bank/banktest"
	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/consent/consenttest"
	"sluice/disclosure"
	"sluice/feed"
	"sluice/feed/feedtest"
	"sluice/gateway"
	"sluice/gateway/codec"
	"sluice/gateway/fields"
	"sluice/gateway/interceptor"
	"sluice/gateway/partnerapi"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
	"sluice/seal"
)

// eventWorld is the door for events between a feed in memory, a gate and
// partners with live consents, over real connections. It is also the parts of
// the gate that are not under test.
type eventWorld struct {
	t       *testing.T
	ca      *devca.Authority
	address string
	book    *consent.Book
	store   *consenttest.Memory
	memory  *feedtest.Memory
	feed    *feed.Feed
	gate    *gateway.Gate
	door    *partnerapi.Events
	ahead   atomic.Int64 // of the clock

	mu       sync.Mutex
	standing registry.Standing
	access   registry.Access
	records  []disclosure.Entry
	onRecord func(disclosure.Entry)
	onLog    func(slog.Record)
	failing  func(consent.ID) bool // to record a release
	onSend   func(message any)     // of a stream, and before it is sent
}

func newEventWorld(t *testing.T) *eventWorld {
	t.Helper()
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &eventWorld{t: t, store: consenttest.NewMemory(), standing: registry.Active, access: registry.ByCertificate}
	start := time.Now()
	gates := barrier.NewGates(func() time.Duration { return time.Since(start) })
	w.book = consent.NewBook(w.store, barrier.New(gates, func(consent.ID, int64) {}, nil, nil), w.now)
	w.memory = feedtest.NewMemory(w.now)
	w.feed = feed.New(w.memory, tokens, &feed.Bell{})
	names := gateway.NewPairwise([]byte("key"))
	w.gate, err = gateway.New(gateway.Config{
		Grants: w, HandOffs: gates, Parties: w, Policy: engine, Banks: banktest.New(), Recorder: disclosure.NewRecorder(w), Usage: w,
		Refusals: w, Pairwise: names, Tokens: tokens, Observer: w, Now: w.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.door = partnerapi.NewEvents(w.gate, w.feed, names, tokens, slog.New(w.listening(slog.NewTextHandler(t.Output(), nil))), w.now)
	w.serve(w.door)
	return w
}

func (w *eventWorld) serve(door *partnerapi.Events) {
	w.t.Helper()
	var err error
	if w.ca, err = devca.Open(w.t.TempDir(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		w.t.Fatal(err)
	}
	var methods authn.Methods
	calls := interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, MaxDuration: 60 * time.Second,
		Methods: func() authn.Methods { return methods }, Validator: validator,
	}
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(w.issue(authn.Gateway, "gateway"), w.ca.Roots(), anybody{})),
		grpc.ForceServerCodecV2(codec.New()), grpc.StatsHandler(interceptor.Answered{}), interceptor.Unary(calls), interceptor.Stream(calls),
		grpc.ChainStreamInterceptor(w.sending))
	door.Register(s)
	if methods, err = authn.MethodsOf(s.GetServiceInfo()); err != nil {
		w.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.address = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	w.t.Cleanup(s.Stop)
}

// sending lets a test see what a handler sends.
func (w *eventWorld) sending(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return next(srv, seen{ss, w})
}

type seen struct {
	grpc.ServerStream
	w *eventWorld
}

func (s seen) SendMsg(m any) error {
	if s.w.onSend != nil {
		s.w.onSend(m)
	}
	return s.ServerStream.SendMsg(m)
}

type anybody struct{}

func (anybody) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

func (w *eventWorld) issue(kind authn.Kind, id string) tls.Certificate {
	w.t.Helper()
	cert, err := w.ca.Issue(authn.Identity{Kind: kind, ID: id}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return cert
}

func (w *eventWorld) as(partner string) partnerv1.EventServiceClient {
	w.t.Helper()
	conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(
		authn.ClientCredentials(w.issue(authn.Partner, partner), w.ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return partnerv1.NewEventServiceClient(conn)
}

func (w *eventWorld) stand(as registry.Standing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.standing = as
}

func (w *eventWorld) now() time.Time       { return noon.Add(time.Duration(w.ahead.Load())) }
func (w *eventWorld) pass(d time.Duration) { w.ahead.Add(int64(d)) }

// give makes a live consent of a partner over balances of these accounts.
func (w *eventWorld) give(partner consent.PartnerID, accounts ...string) consent.ID {
	w.t.Helper()
	return w.giveFor(partner, consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, consent.ClustersOf(consent.Balances), accounts...)
}

// giveFor is give for another purpose, over other kinds of data.
func (w *eventWorld) giveFor(partner consent.PartnerID, why consent.Purpose, clusters consent.Clusters, accounts ...string) consent.ID {
	w.t.Helper()
	asked, err := w.book.Request(w.t.Context(), partner, "morava", consent.Terms{
		Clusters: clusters, Purpose: why, PurposeText: "to show it",
		LookBackDays: 90, ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 4,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var choice consent.Choice
	for _, a := range accounts {
		choice.Shares = append(choice.Shares, consent.Share{Account: consent.AccountID(a), Clusters: clusters})
	}
	w.tell(w.book.Authorize(w.t.Context(), w.customer(), asked.ID, 0, choice))
	return asked.ID
}

func (w *eventWorld) customer() consent.ByCustomer {
	return consent.ByCustomer{Bank: "morava", Customer: "one"}
}

// tell makes the feed hear of a change, as it does with the change in SQL.
func (w *eventWorld) tell(c consent.Consent, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.memory.Keep(c, consent.Change{Consent: c.ID, Revision: c.Revision, Kind: consentv1.ChangeKind_CHANGE_KIND_AUTHORIZE, At: w.now(), Status: c.Status})
}

func (w *eventWorld) revoke(id consent.ID) {
	w.t.Helper()
	w.tell(w.book.Revoke(w.t.Context(), w.customer(), id))
}

// publish makes one event of each account, the nth of it.
func (w *eventWorld) publish(nth int64, accounts ...string) {
	w.t.Helper()
	w.publishLarge(nth, 1, accounts...)
}

// publishLarge is publish with so many balances in each event.
func (w *eventWorld) publishLarge(nth int64, balances int, accounts ...string) {
	w.t.Helper()
	var events []feed.Event
	all := slices.Repeat([]*datav1.Balance{{Amount: &money.Money{CurrencyCode: "CZK", Units: nth}}}, balances)
	for _, a := range accounts {
		encoded, err := proto.Marshal(&bankv1.ListBalancesResponse{Accounts: []*datav1.AccountBalances{{AccountId: a, Balances: all}}})
		if err != nil {
			w.t.Fatal(err)
		}
		events = append(events, feed.Event{
			Account: consent.AccountID(a), Sequence: nth, Kind: feed.BalanceChanged, Answer: encoded, Day: consent.NoDay, OccurredAt: w.now(),
		})
	}
	_, rejected, err := w.feed.Publish(w.t.Context(), "morava", events)
	if err != nil || len(rejected) != 0 {
		w.t.Fatalf("publish: %v, %v", rejected, err)
	}
}

// dropped waits until one event of messenger's was dropped for a reason.
func (w *eventWorld) dropped(kind feed.Kind, why string) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		counts, err := w.feed.Counts(w.t.Context(), "messenger", consent.DayOf(noon))
		if err == nil && counts[feed.Dropped(kind, why)] == 1 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("dropped: %v, %v; want one %s for %s", counts, err, kind, why)
		}
	}
}

func accountNames(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("A%03d", i)
	}
	return out
}

func (w *eventWorld) recorded() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.records)
}

// follower is one stream of a partner.
type follower struct {
	w      *eventWorld
	stream partnerv1.EventService_SubscribeClient
	came   []*partnerv1.Event // received, and not taken yet
}

func (w *eventWorld) follow(partner string, credits int32) *follower {
	w.t.Helper()
	ctx, cut := context.WithTimeout(w.t.Context(), 20*time.Second)
	w.t.Cleanup(cut)
	stream, err := w.as(partner).Subscribe(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	f := &follower{w: w, stream: stream}
	f.say(&partnerv1.SubscribeRequest{Credits: credits})
	return f
}

func (f *follower) say(r *partnerv1.SubscribeRequest) {
	f.w.t.Helper()
	if err := f.stream.Send(r); err != nil && !errors.Is(err, io.EOF) { // the end says why
		f.w.t.Fatal(err)
	}
}

func (f *follower) done(credits int32, events ...*partnerv1.Event) {
	f.w.t.Helper()
	r := &partnerv1.SubscribeRequest{Credits: credits}
	for _, e := range events {
		r.Acknowledgements = append(r.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
	}
	f.say(r)
}

// take receives n events of data, and acknowledges all others.
func (f *follower) take(n int) []*partnerv1.Event {
	f.w.t.Helper()
	for len(f.came) < n {
		m, err := f.stream.Recv()
		if err != nil {
			f.w.t.Fatalf("after %d events of %d: %v", len(f.came), n, err)
		}
		for _, e := range m.GetEvents() {
			if e.GetBalance() != nil {
				f.came = append(f.came, e)
			} else {
				f.done(0, e)
			}
		}
	}
	out := f.came[:n:n]
	f.came = f.came[n:]
	return out
}

// end is how the stream ends.
func (f *follower) end() error {
	for {
		if _, err := f.stream.Recv(); err != nil {
			return err
		}
	}
}

func units(e *partnerv1.Event) int64 {
	return e.GetBalance().GetAccounts()[0].GetBalances()[0].GetAmount().GetUnits()
}

func whose(e *partnerv1.Event) string { return e.GetBalance().GetAccounts()[0].GetAccountId() }

func pairwiseOf(account string) string {
	return gateway.NewPairwise([]byte("key")).Account("messenger", "morava", consent.AccountID(account))
}

func refusedFor(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// The parts of the gate.

func (w *eventWorld) Grant(ctx context.Context, id consent.ID) (consent.Grant, error) {
	c, err := w.store.Get(ctx, id)
	return c.Grant(), err
}

func (w *eventWorld) Newest(ctx context.Context, id consent.ID) (consent.Grant, error) {
	return w.Grant(ctx, id)
}

func (w *eventWorld) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return registry.Partner{ID: id, Standing: w.standing, Access: w.access}, nil
}

func (w *eventWorld) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	return registry.Bank{ID: id, Standing: registry.Active}, nil
}

func (w *eventWorld) Usage(context.Context, consent.ID, consent.Day) (disclosure.Usage, error) {
	return disclosure.Usage{}, nil
}

func (w *eventWorld) Append(ctx context.Context, _ disclosure.ID, e disclosure.Entry) (int64, time.Time, error) {
	if w.failing != nil && w.failing(e.Grant.ID()) {
		return 0, time.Time{}, errors.New("the record is away")
	}
	now, err := w.store.Get(ctx, e.Grant.ID())
	if err != nil {
		return 0, time.Time{}, err
	}
	have, want := now.Grant().Digest(), e.Grant.Digest()
	if !bytes.Equal(have[:], want[:]) {
		return 0, time.Time{}, disclosure.ErrGrantChanged
	}
	w.mu.Lock()
	w.records = append(w.records, e)
	n, then := len(w.records), w.onRecord
	w.mu.Unlock()
	if then != nil {
		then(e)
	}
	return int64(n), w.now(), nil
}

func (w *eventWorld) Outcome(disclosure.ID, disclosure.Outcome)     {}
func (w *eventWorld) Released(disclosure.Outcome)                   {}
func (w *eventWorld) Refused(consent.ID, refusal.Reason, time.Time) {}
func (w *eventWorld) Dropped(consent.BankID, fields.Dropped)        {}
