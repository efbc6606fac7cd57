package operatorapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/feed"
	"sluice/gateway/interceptor"
	"sluice/gateway/operatorapi"
	consentv1 "sluice/gen/sluice/consent/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/registry"
)

var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// world is the operators' door to feeds that a test makes up.
type world struct {
	registry.Store
	t        *testing.T
	ca       *devca.Authority
	address  string
	dead     []feed.Dead
	counts   map[string]map[string]int
	backlogs map[consent.PartnerID]feed.Backlog
	partners []string
	banks    []string
	consent  consent.ID
	err      error
}

func (w *world) Dead(_ context.Context, partner consent.PartnerID, limit int) ([]feed.Dead, error) {
	var out []feed.Dead
	for _, d := range w.dead {
		if (partner == "" || d.Partner == partner) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, w.err
}

func (w *world) Counts(_ context.Context, party string, day consent.Day) (map[string]int, error) {
	return w.counts[party+" "+day.String()], w.err
}

func (w *world) Backlog(_ context.Context, partner consent.PartnerID) (feed.Backlog, error) {
	return w.backlogs[partner], w.err
}

func (w *world) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	if !slices.Contains(w.partners, string(id)) {
		return registry.Partner{}, registry.ErrNotFound
	}
	return registry.Partner{ID: id}, nil
}

func (w *world) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	if !slices.Contains(w.banks, string(id)) {
		return registry.Bank{}, registry.ErrNotFound
	}
	return registry.Bank{ID: id}, nil
}

func (w *world) Partners(context.Context) ([]registry.Partner, error) {
	var out []registry.Partner
	for _, id := range w.partners {
		out = append(out, registry.Partner{ID: consent.PartnerID(id)})
	}
	return out, w.err
}

func (w *world) Banks(context.Context) ([]registry.Bank, error) {
	var out []registry.Bank
	for _, id := range w.banks {
		out = append(out, registry.Bank{ID: consent.BankID(id)})
	}
	return out, w.err
}

// Registered lets everybody connect.
func (w *world) Registered(context.Context, authn.Identity) (bool, error) { return true, nil }

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, counts: map[string]map[string]int{}, backlogs: map[consent.PartnerID]feed.Backlog{}}
	book := consent.NewBook(consenttest.NewMemory(), consenttest.NewBarrier(), func() time.Time { return noon })
	made, err := book.Request(t.Context(), "messenger", "morava", consent.Terms{
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "To show it.",
		LookBackDays: 90, ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.consent = made.ID
	if w.ca, err = devca.Open(t.TempDir(), time.Now()); err != nil {
		t.Fatal(err)
	}
	cert, err := w.ca.Issue(authn.Identity{Kind: authn.Gateway, ID: "gateway"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	var methods authn.Methods
	s := grpc.NewServer(grpc.Creds(authn.ServerCredentials(cert, w.ca.Roots(), w)), interceptor.Unary(interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, MaxDuration: 30 * time.Second,
		Methods: func() authn.Methods { return methods }, Validator: validator,
	}))
	operatorapi.NewFeeds(w, w, book, func() time.Time { return noon }).Register(s)
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

func (w *world) as(kind authn.Kind) operatorv1.FeedServiceClient {
	w.t.Helper()
	cert, err := w.ca.Issue(authn.Identity{Kind: kind, ID: "ops"}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(
		authn.ClientCredentials(cert, w.ca.Roots(), authn.Identity{Kind: authn.Gateway, ID: "gateway"})))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return operatorv1.NewFeedServiceClient(conn)
}

func reason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return status.Code(err).String()
}

func TestOnlyOperatorsSeeHowFeedsStand(t *testing.T) {
	w := open(t)
	for _, kind := range []authn.Kind{authn.Partner, authn.Bank, authn.Gateway} {
		c := w.as(kind)
		if out, err := c.ListDeadLetters(t.Context(), &operatorv1.ListDeadLettersRequest{}); reason(err) != "CALLER_NOT_PERMITTED" {
			t.Errorf("a %s lists dead letters: %v, %v", authn.KindName(kind), out, err)
		}
		if out, err := c.GetFeedStatus(t.Context(), &operatorv1.GetFeedStatusRequest{}); reason(err) != "CALLER_NOT_PERMITTED" {
			t.Errorf("a %s looks at feeds: %v, %v", authn.KindName(kind), out, err)
		}
	}
}

func TestDeadLettersAreListedWithTheirBankAndThePartnersWords(t *testing.T) {
	w := open(t)
	w.dead = []feed.Dead{
		{Partner: "messenger", Consent: w.consent, ID: "evt_2", Kind: feed.BalanceChanged, Errors: 10, Error: "the queue is full", At: noon},
		{Partner: "wallet", Consent: "con_gone", ID: "evt_1", Kind: feed.AccountLeft, Errors: 10, Error: "?", At: noon.Add(-time.Hour)},
		{Partner: "messenger", Consent: w.consent, ID: "evt_0", Kind: feed.AlertRaised, Errors: 10, Error: "no", At: noon.Add(-2 * time.Hour)},
	}
	list := func(r *operatorv1.ListDeadLettersRequest) *operatorv1.ListDeadLettersResponse {
		t.Helper()
		out, err := w.as(authn.Operator).ListDeadLetters(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := list(&operatorv1.ListDeadLettersRequest{PageSize: 2})
	if len(out.GetDeadLetters()) != 2 || !out.GetMore() {
		t.Fatalf("listed %v, want two and that there are more", out)
	}
	first, second := out.GetDeadLetters()[0], out.GetDeadLetters()[1]
	if first.GetPartnerId() != "messenger" || first.GetEventId() != "evt_2" || first.GetBankId() != "morava" || first.GetConsentId() != string(w.consent) ||
		first.GetKind() != partnerv1.EventKind_EVENT_KIND_BALANCE_CHANGED || first.GetErrors() != 10 ||
		first.GetError() != "the queue is full" || !first.GetPutAsideAt().AsTime().Equal(noon) {
		t.Errorf("first: %v", first)
	}
	if second.GetBankId() != "" || second.GetKind() != partnerv1.EventKind_EVENT_KIND_ACCOUNT_LEFT {
		t.Errorf("second: %v, of a consent that is not there", second)
	}
	if out := list(&operatorv1.ListDeadLettersRequest{PartnerId: "wallet"}); len(out.GetDeadLetters()) != 1 || out.GetMore() {
		t.Errorf("the wallet's: %v", out)
	}
}

// What an operator is told has no field that content could stand in: each is a
// number, an instant, an id, a word of the gateway's, or the partner's own.
func TestOperatorsAreToldNothingThatAnEventSays(t *testing.T) {
	want := "partner_id event_id kind bank_id consent_id put_aside_at errors error"
	var have []string
	fields := (&operatorv1.DeadLetter{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		have = append(have, string(fields.Get(i).Name()))
	}
	if got := strings.Join(have, " "); got != want {
		t.Errorf("a dead letter has %s, want %s", got, want)
	}
}

func TestAFeedsStatusCountsWhatWaitsAndWhatWasKeptOut(t *testing.T) {
	w := open(t)
	w.partners, w.banks = []string{"messenger", "morava"}, []string{"morava"} // two of one name
	w.backlogs["messenger"] = feed.Backlog{Waiting: 3, Age: 90 * time.Second, PutAside: 2}
	w.counts["messenger 2026-11-24"] = map[string]int{
		feed.Dropped(feed.BalanceChanged, feed.Expired): 4, feed.Dropped(feed.TransactionPosted, "CONSENT_PAUSED"): 5,
	}
	w.counts["morava 2026-11-24"] = map[string]int{
		feed.Rejected(feed.Rejection{Field: "what.transaction_id"}): 6, feed.Dropped(feed.BalanceChanged, feed.Withdrawn): 1,
	}
	w.counts["messenger 2026-11-23"] = map[string]int{feed.Dropped(feed.BalanceChanged, feed.Expired): 1}
	look := func(r *operatorv1.GetFeedStatusRequest) *operatorv1.GetFeedStatusResponse {
		t.Helper()
		out, err := w.as(authn.Operator).GetFeedStatus(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := look(&operatorv1.GetFeedStatusRequest{})
	if len(out.GetPartners()) != 2 || len(out.GetBanks()) != 1 || out.GetDay().GetDay() != 24 {
		t.Fatalf("status: %v", out)
	}
	p := out.GetPartners()[0]
	if p.GetWaiting() != 3 || p.GetOldestAge().AsDuration() != 90*time.Second || p.GetPutAside() != 2 {
		t.Errorf("messenger: %v", p)
	}
	if got := dropped(p); got != "BALANCE_CHANGED EXPIRED 4, TRANSACTION_POSTED CONSENT_PAUSED 5" {
		t.Errorf("dropped for messenger: %s", got)
	}
	namesake, bank := out.GetPartners()[1], out.GetBanks()[0]
	if got := dropped(namesake); got != "BALANCE_CHANGED WITHDRAWN 1" || namesake.GetOldestAge() != nil {
		t.Errorf("the bank's namesake: %v", namesake)
	}
	if r := bank.GetRejected(); len(r) != 1 || r[0].GetField() != "what.transaction_id" || r[0].GetCount() != 6 {
		t.Errorf("rejected of the bank: %v", r)
	}
	before := &operatorv1.GetFeedStatusRequest{
		Party: &operatorv1.GetFeedStatusRequest_PartnerId{PartnerId: "messenger"}, Day: &date.Date{Year: 2026, Month: 11, Day: 23},
	}
	if out := look(before); len(out.GetPartners()) != 1 || len(out.GetBanks()) != 0 || dropped(out.GetPartners()[0]) != "BALANCE_CHANGED EXPIRED 1" {
		t.Errorf("the day before: %v", out)
	}
}

func dropped(p *operatorv1.PartnerFeed) string {
	var out []string
	for _, d := range p.GetDropped() {
		out = append(out, fmt.Sprint(strings.TrimPrefix(d.GetKind().String(), "EVENT_KIND_"), " ", d.GetReason(), " ", d.GetCount()))
	}
	return strings.Join(out, ", ")
}

func TestPagesOfAFeedsStatusHaveEachPartyOnce(t *testing.T) {
	w := open(t)
	for i := range 7 {
		w.partners = append(w.partners, fmt.Sprint("p", i))
	}
	slices.Reverse(w.partners) // some databases sort otherwise
	w.banks = []string{"a", "p3"}
	var have []string
	r := &operatorv1.GetFeedStatusRequest{PageSize: 4}
	for pages := 0; ; pages++ {
		out, err := w.as(authn.Operator).GetFeedStatus(t.Context(), r)
		if err != nil || pages > 3 || len(out.GetPartners())+len(out.GetBanks()) > 4 {
			t.Fatalf("page %d: %v, %v", pages, out, err)
		}
		for _, p := range out.GetPartners() {
			have = append(have, "partner "+p.GetPartnerId())
		}
		for _, b := range out.GetBanks() {
			have = append(have, "bank "+b.GetBankId())
		}
		if r.PageToken = out.GetNextPageToken(); r.PageToken == "" {
			break
		}
	}
	if want := "partner p0,partner p1,partner p2,partner p3,partner p4,partner p5,partner p6,bank a,bank p3"; strings.Join(have, ",") != want {
		t.Errorf("pages have %v", have)
	}
}

func TestWhatOperatorsAskOfFeedsIsChecked(t *testing.T) {
	w := open(t)
	w.partners = []string{"messenger"}
	ask := func(r *operatorv1.GetFeedStatusRequest) string {
		_, err := w.as(authn.Operator).GetFeedStatus(t.Context(), r)
		return reason(err)
	}
	list := func(r *operatorv1.ListDeadLettersRequest) string {
		_, err := w.as(authn.Operator).ListDeadLetters(t.Context(), r)
		return reason(err)
	}
	for name, c := range map[string]struct{ got, want string }{
		"a page too large":   {ask(&operatorv1.GetFeedStatusRequest{PageSize: 201}), "INVALID_REQUEST"},
		"a list too long":    {list(&operatorv1.ListDeadLettersRequest{PageSize: 501}), "INVALID_REQUEST"},
		"no day":             {ask(&operatorv1.GetFeedStatusRequest{Day: &date.Date{Year: 2026, Month: 2, Day: 30}}), "INVALID_REQUEST"},
		"a page of its own":  {ask(&operatorv1.GetFeedStatusRequest{PageToken: "p3"}), "PAGE_TOKEN_INVALID"},
		"an unknown partner": {ask(&operatorv1.GetFeedStatusRequest{Party: &operatorv1.GetFeedStatusRequest_PartnerId{PartnerId: "nobody"}}), "PARTY_NOT_FOUND"},
		"an unknown bank":    {ask(&operatorv1.GetFeedStatusRequest{Party: &operatorv1.GetFeedStatusRequest_BankId{BankId: "messenger"}}), "PARTY_NOT_FOUND"},
		"an empty name":      {ask(&operatorv1.GetFeedStatusRequest{Party: &operatorv1.GetFeedStatusRequest_BankId{}}), "INVALID_REQUEST"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
	w.err = errAway
	if got := ask(&operatorv1.GetFeedStatusRequest{}) + list(&operatorv1.ListDeadLettersRequest{}); got != "RECORD_UNAVAILABLERECORD_UNAVAILABLE" {
		t.Errorf("while the database is away: %s", got)
	}
}
