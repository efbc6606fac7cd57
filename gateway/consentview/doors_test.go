package consentview_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/disclosure"
	"sluice/gateway"
	"sluice/gateway/bankapi"
	"sluice/gateway/codec"
	"sluice/gateway/customerapi"
	"sluice/gateway/interceptor"
	"sluice/gateway/partnerapi"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/registry"
	"sluice/seal"
)

var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// The house of these tests: messenger and wallet are partners, morava and
// slezsko banks. At morava, "me" has the account own, and with "you" the account
// joint, which you must agree to share, and with "kid" the account either, which
// kid need not.
type doors struct {
	store    *consenttest.Memory
	barrier  *consenttest.Barrier
	book     *consent.Book
	bank     *banktest.Bank
	registry *parties
	counts   *counts
	address  string
	ca       *devca.Authority

	mu  sync.Mutex
	now time.Time
}

func (d *doors) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *doors) at(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = t
}

// parties are all registered, and in good standing unless named here.
type parties struct{ suspended []string }

func (p *parties) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

func (p *parties) standing(id string) registry.Standing {
	if slices.Contains(p.suspended, id) {
		return registry.Suspended
	}
	return registry.Active
}

func (p *parties) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	return registry.Partner{ID: id, Standing: p.standing(string(id))}, nil
}

func (p *parties) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	return registry.Bank{ID: id, Standing: p.standing(string(id))}, nil
}

// counts answers what a test says about releases.
type counts struct {
	days     []disclosure.DayCount
	refusals []disclosure.RefusalCount
	last     map[consent.ID]time.Time
	records  []disclosure.Record
	err      error
	from, to consent.Day
}

func (c *counts) Days(_ context.Context, _ consent.ID, from, to consent.Day) ([]disclosure.DayCount, error) {
	c.from, c.to = from, to
	return c.days, c.err
}

func (c *counts) Refusals(context.Context, consent.ID, consent.Day, consent.Day) ([]disclosure.RefusalCount, error) {
	return c.refusals, c.err
}

func (c *counts) LastRelease(context.Context, ...consent.ID) (map[consent.ID]time.Time, error) {
	return c.last, c.err
}

func (c *counts) List(context.Context, disclosure.Query) ([]disclosure.Record, error) {
	return c.records, c.err
}

func account(id string) *datav1.Account { return &datav1.Account{AccountId: id, Currency: "CZK"} }

func holder(id string, must bool) *bankv1.Holder {
	return &bankv1.Holder{CustomerId: id, DisplayName: id, MustAgree: must}
}

func open(t *testing.T) *doors {
	t.Helper()
	d := &doors{
		store: consenttest.NewMemory(), barrier: consenttest.NewBarrier(), bank: banktest.New(), registry: &parties{}, counts: &counts{}, now: noon,
	}
	d.book = consent.NewBook(d.store, d.barrier, d.clock)
	d.bank.Answer(bank.ListAccounts, &bankv1.ListAccountsResponse{Accounts: []*datav1.Account{account("own"), account("joint"), account("either")}})
	d.bank.Answer(bank.ListHolders, &bankv1.ListHoldersResponse{Accounts: []*bankv1.AccountHolders{
		{AccountId: "own", Holders: []*bankv1.Holder{holder("me", true)}},
		{AccountId: "joint", Holders: []*bankv1.Holder{holder("me", true), holder("you", true)}},
		{AccountId: "either", Holders: []*bankv1.Holder{holder("me", true), holder("kid", false)}},
	}})
	tokens, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	names := gateway.NewPairwise(make([]byte, 32))
	d.serve(t, func(s *grpc.Server) {
		partnerapi.NewConsents(d.book, d.registry, names, tokens).Register(s)
		bankapi.New(d.book, tokens).Register(s)
		customerapi.New(d.book, d.counts, d.counts, d.bank, tokens, d.clock).Register(s)
	})
	return d
}

func (d *doors) serve(t *testing.T, register func(*grpc.Server)) {
	t.Helper()
	var err error
	if d.ca, err = devca.Open(t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	cert, err := d.ca.Issue(authn.Identity{Kind: authn.Gateway, ID: "gateway"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	var methods authn.Methods
	calls := interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, MaxDuration: 30 * time.Second,
		Methods: func() authn.Methods { return methods }, Validator: validator,
	}
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, d.ca.Roots(), d.registry)), grpc.ForceServerCodecV2(codec.New()), interceptor.Unary(calls))
	register(s)
	if methods, err = authn.MethodsOf(s.GetServiceInfo()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
}

func (d *doors) as(t *testing.T, kind authn.Kind, id string) *grpc.ClientConn {
	t.Helper()
	cert, err := d.ca.Issue(authn.Identity{Kind: kind, ID: id}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(d.address, grpc.WithTransportCredentials(
		authn.ClientCredentials(cert, d.ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (d *doors) partner(t *testing.T, id string) partnerv1.ConsentServiceClient {
	t.Helper()
	return partnerv1.NewConsentServiceClient(d.as(t, authn.Partner, id))
}

func (d *doors) bankItself(t *testing.T, id string) bankv1.ConsentServiceClient {
	t.Helper()
	return bankv1.NewConsentServiceClient(d.as(t, authn.Bank, id))
}

func (d *doors) customers(t *testing.T, bank string) customerv1.ConsentServiceClient {
	t.Helper()
	return customerv1.NewConsentServiceClient(d.as(t, authn.Bank, bank))
}

func asked() *consentv1.Terms {
	return &consentv1.Terms{
		Clusters: []datav1.DataCluster{consent.Balances, consent.Cards},
		Purpose:  consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
		ValidUntil: timestamppb.New(noon.AddDate(0, 6, 0)),
	}
}

// request asks for a consent, as messenger of morava.
func (d *doors) request(t *testing.T) string {
	t.Helper()
	return got(d.partner(t, "messenger").RequestConsent(t.Context(), &partnerv1.RequestConsentRequest{BankId: "morava", Terms: asked()}))(t).GetConsent().GetConsentId()
}

func shares(accounts ...string) []*consentv1.Share {
	var out []*consentv1.Share
	for _, a := range accounts {
		out = append(out, &consentv1.Share{AccountId: a, Clusters: []datav1.DataCluster{consent.Balances}})
	}
	return out
}

// give makes me agree to a request of messenger's.
func (d *doors) give(t *testing.T, hidden bool, accounts ...string) *consentv1.Consent {
	t.Helper()
	return got(d.customers(t, "morava").AuthorizeConsent(t.Context(), &customerv1.AuthorizeConsentRequest{
		CustomerId: "me", ConsentId: d.request(t), Shares: shares(accounts...), HiddenFromCoHolders: hidden,
	}))(t).GetConsent()
}

func got[R any](answer R, err error) func(t *testing.T) R {
	return func(t *testing.T) R {
		t.Helper()
		if err != nil {
			t.Fatalf("call: %v", err)
		}
		return answer
	}
}

// refused requires a refusal for a reason and, for invalid requests, of a field.
func refused(t *testing.T, what string, err error, reason string, fields ...string) {
	t.Helper()
	var (
		info *errdetails.ErrorInfo
		bad  []string
	)
	for _, detail := range status.Convert(err).Details() {
		switch v := detail.(type) {
		case *errdetails.ErrorInfo:
			info = v
		case *errdetails.BadRequest:
			for _, f := range v.GetFieldViolations() {
				bad = append(bad, f.GetField())
			}
		}
	}
	if err == nil || info.GetReason() != reason || !slices.Equal(bad, fields) {
		t.Errorf("%s: %v of %q, want %s of %q", what, err, bad, reason, fields)
	}
}

var errDisk = errors.New("disk failed")

// errorBytes is an error as a client gets it.
func errorBytes(t *testing.T, err error) []byte {
	t.Helper()
	raw, encodeErr := proto.MarshalOptions{Deterministic: true}.Marshal(status.Convert(err).Proto())
	if encodeErr != nil {
		t.Fatal(encodeErr)
	}
	return raw
}
