package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/consent/consenttest"
	"sluice/disclosure"
	"sluice/gateway"
	"sluice/gateway/fields"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
	"sluice/seal"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is a gate between a scripted bank and a partner with a live consent.
// It is also every part of the gate that a test wants to fail.
type world struct {
	t        *testing.T
	gate     *gateway.Gate
	bank     *banktest.Bank
	book     *consent.Book
	store    *consenttest.Memory
	id       consent.ID
	records  []disclosure.Entry
	outcomes []disclosure.Outcome
	refused  []refused
	dropped  fields.Dropped
	gates    *barrier.Gates
	clock    atomic.Int64
	onRecord func()

	remembered *consent.Grant   // what the cache has
	newest     int              // readings of the truth
	fail       map[string]error // by part
	standing   map[string]registry.Standing
	access     registry.Access
	chat       registry.ChatPass
	decider    gateway.Decider
}

var errPart = errors.New("this part is down")

func newWorld(t *testing.T) *world {
	t.Helper()
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, bank: banktest.New(), decider: engine,
		store:    consenttest.NewMemory(),
		fail:     map[string]error{},
		access:   registry.ByCertificate,
		standing: map[string]registry.Standing{"messenger": registry.Active, "morava": registry.Active},
	}
	w.gates = barrier.NewGates(func() time.Duration { return time.Duration(w.clock.Load()) })
	w.book = consent.NewBook(w.store, consenttest.NewBarrier(), func() time.Time { return noon })
	tokens, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w.gate, err = gateway.New(gateway.Config{
		Grants: w, HandOffs: w.gates, Parties: w, Policy: w, Banks: w.bank, Recorder: disclosure.NewRecorder(w), Usage: w, Refusals: w,
		Pairwise: gateway.NewPairwise([]byte("key")), Tokens: tokens, Observer: w, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.bank.Answer(bank.ListBalances, balancesOf("A1", "A2", "A3"))
	w.consent()
	return w
}

func balancesOf(accounts ...string) proto.Message {
	out := &bankv1.ListBalancesResponse{}
	for _, id := range accounts {
		out.Accounts = append(out.Accounts, &datav1.AccountBalances{
			AccountId: id, Balances: []*datav1.Balance{{Amount: &money.Money{CurrencyCode: "CZK", Units: 7}}},
		})
	}
	return out
}

// consent makes a live consent over the balances of A1 and A2.
func (w *world) consent() { w.consentOn(func(*consent.Terms) {}) }

// consentOn is consent on other terms.
func (w *world) consentOn(change func(*consent.Terms)) {
	w.t.Helper()
	clusters := consent.ClustersOf(consent.Balances, consent.TransactionsBasic)
	terms := consent.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
		LookBackDays: 90, ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 4,
	}
	change(&terms)
	asked, err := w.book.Request(w.t.Context(), "messenger", "morava", terms)
	if err != nil {
		w.t.Fatal(err)
	}
	w.id = asked.ID
	_, err = w.book.Authorize(w.t.Context(), w.customer(), w.id, 0, consent.Choice{Shares: []consent.Share{
		{Account: "A1", Clusters: clusters}, {Account: "A2", Clusters: clusters},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) customer() consent.ByCustomer {
	return consent.ByCustomer{Bank: "morava", Customer: "one"}
}

func (w *world) ask() gateway.Ask {
	return gateway.Ask{
		Partner: "messenger", Consent: w.id, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Kind: policy.Balances, From: consent.NoDay, To: consent.NoDay, Method: "m", RequestID: "r",
	}
}

func (w *world) Grant(ctx context.Context, id consent.ID) (consent.Grant, error) {
	if err := w.fail["grants"]; err != nil {
		return consent.Grant{}, err
	}
	if w.remembered != nil {
		return *w.remembered, nil
	}
	c, err := w.store.Get(ctx, id)
	return c.Grant(), err
}

func (w *world) Newest(ctx context.Context, id consent.ID) (consent.Grant, error) {
	remembered := w.remembered
	w.remembered = nil
	defer func() { w.remembered = remembered }()
	w.newest++
	return w.Grant(ctx, id)
}

func (w *world) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	return registry.Partner{ID: id, Standing: w.standing[string(id)], Access: w.access}, w.fail["partner"]
}

func (w *world) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	return registry.Bank{ID: id, Standing: w.standing[string(id)], Chat: w.chat}, w.fail["bank"]
}

func (w *world) Decide(ctx context.Context, q policy.Question) (policy.Verdict, error) {
	if err := w.fail["policy"]; err != nil {
		return policy.Verdict{}, err
	}
	return w.decider.Decide(ctx, q)
}

func (w *world) Usage(context.Context, consent.ID, consent.Day) (disclosure.Usage, error) {
	return disclosure.Usage{}, w.fail["usage"]
}

// Append is a log with the fence: the present grant must be the entry's.
func (w *world) Append(ctx context.Context, _ disclosure.ID, e disclosure.Entry) (int64, time.Time, error) {
	if err := w.fail["record"]; err != nil {
		return 0, time.Time{}, err
	}
	now, err := w.store.Get(ctx, e.Grant.ID())
	if err != nil {
		return 0, time.Time{}, err
	}
	if now.Grant().Digest() != e.Grant.Digest() {
		return 0, time.Time{}, disclosure.ErrGrantChanged
	}
	w.records = append(w.records, e)
	if w.onRecord != nil {
		w.onRecord()
	}
	return int64(len(w.records)), noon, nil
}

func (w *world) Outcome(_ disclosure.ID, what disclosure.Outcome) {
	w.outcomes = append(w.outcomes, what)
}

func (w *world) Released(disclosure.Outcome) {}

// refused is a refusal as the gate told it.
type refused struct {
	id     consent.ID
	reason refusal.Reason
	at     time.Time
}

func (w *world) Refused(id consent.ID, reason refusal.Reason, at time.Time) {
	w.refused = append(w.refused, refused{id, reason, at})
}

func (w *world) Dropped(_ consent.BankID, d fields.Dropped) { w.dropped = d }

func TestReleaseIsFilteredNamedPairwiseAndOnRecord(t *testing.T) {
	w := newWorld(t)
	released, err := w.gate.Release(t.Context(), w.ask())
	if err != nil {
		t.Fatal(err)
	}
	var got partnerv1.ListBalancesResponse
	if err := proto.Unmarshal(released.Encoded(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.GetAccounts()) != 2 {
		t.Fatalf("accounts = %v, want the two agreed", got.GetAccounts())
	}
	for i, a := range got.GetAccounts() {
		want := gateway.NewPairwise([]byte("key")).Account("messenger", "morava", consent.AccountID([]string{"A1", "A2"}[i]))
		if a.GetAccountId() != want || a.GetBalances()[0].GetAmount().GetUnits() != 7 {
			t.Errorf("account = %v, want %s", a, want)
		}
	}
	if strings.Contains(fmt.Sprint(got.GetAccounts(), got.GetFailures()), "A3") || // ids of records may have it by chance
		w.dropped.Accounts != 1 {
		t.Errorf("the account not agreed was not dropped and counted: %+v", w.dropped)
	}
	about := got.GetRelease()
	if about.GetDisclosureId() != string(released.Receipt().ID()) || about.GetConsentId() != string(w.id) || about.GetGrantRevision() != 2 {
		t.Errorf("release = %v", about)
	}
	if len(w.records) != 1 || len(w.records[0].Accounts) != 2 || w.records[0].Clusters != consent.ClustersOf(consent.Balances) {
		t.Errorf("records = %+v, want one of two accounts' balances", w.records)
	}
}

func TestBankIsAskedOnlyForWhatTheVerdictPermits(t *testing.T) {
	w := newWorld(t)
	name := gateway.NewPairwise([]byte("key")).Account("messenger", "morava", "A2")
	w.bank.Answer(bank.ListTransactions, &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{{AccountId: "A2"}}})
	ask := w.ask()
	ask.Kind, ask.One, ask.Accounts = policy.Transactions, true, []string{name}
	if _, err := w.gate.Release(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	got := w.bank.Requests()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	today := consent.DayOf(noon)
	r := got[0]
	if r.Customer != "one" || len(r.Accounts) != 1 || r.Accounts[0] != "A2" || r.From != today-89 || r.To != today+1 ||
		!r.Clusters.Within(consent.ClustersOf(consent.Balances, consent.TransactionsBasic)) {
		t.Errorf("the bank was asked %+v", r)
	}
}

func TestEveryFailureEndsWithoutDataAndWithoutRecord(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*world)
		ask  func(*gateway.Ask)
		want refusal.Reason
		bank int // requests the bank may have had
	}{
		{"grants can't be read", func(w *world) { w.fail["grants"] = errPart }, nil, refusal.RecordUnavailable, 0},
		{"partner can't be read", func(w *world) { w.fail["partner"] = errPart }, nil, refusal.RecordUnavailable, 0},
		{"bank can't be read", func(w *world) { w.fail["bank"] = errPart }, nil, refusal.RecordUnavailable, 0},
		{"usage can't be read", func(w *world) { w.fail["usage"] = errPart }, func(a *gateway.Ask) { a.Unattended = true }, refusal.RecordUnavailable, 0},
		{"policy fails", func(w *world) { w.fail["policy"] = errPart }, nil, refusal.PolicyUnavailable, 0},
		{"policy makes the zero verdict", func(w *world) { w.decider = zeroDecider{} }, nil, refusal.PolicyUnavailable, 0},
		{"partner is not registered", func(w *world) { delete(w.standing, "messenger") }, nil, refusal.PartnerSuspended, 0},
		{"bank is not registered", func(w *world) { delete(w.standing, "morava") }, nil, refusal.BankSuspended, 0},
		{"bank fails", func(w *world) { w.bank.Fail(errPart) }, nil, refusal.BankUnavailable, 1},
		{"bank answers garbage", func(w *world) { w.bank.AnswerBytes(bank.ListBalances, []byte{0xff}) }, nil, refusal.BankAnswerInvalid, 1},
		{"bank answers only others' accounts", func(w *world) { w.bank.Answer(bank.ListBalances, balancesOf("A3")) }, nil, refusal.BankUnavailable, 1},
		{"record fails", func(w *world) { w.fail["record"] = errPart }, nil, refusal.RecordUnavailable, 1},
		{"no such consent", nil, func(a *gateway.Ask) { a.Consent = "con_none" }, refusal.ConsentNotFound, 0},
		{"another partner", nil, func(a *gateway.Ask) { a.Partner = "wallet" }, refusal.ConsentNotFound, 0},
		{"no partner", nil, func(a *gateway.Ask) { a.Partner = "" }, refusal.ConsentNotFound, 0},
		{"another purpose", nil, func(a *gateway.Ask) { a.Purpose = consentv1.Purpose_PURPOSE_LENDING_DECISION }, refusal.PurposeNotPermitted, 0},
		{"no purpose", nil, func(a *gateway.Ask) { a.Purpose = 0 }, refusal.PurposeNotPermitted, 0},
		{"a kind not agreed", nil, func(a *gateway.Ask) { a.Kind = policy.Cards }, refusal.ClusterNotCovered, 0},
		{"an account not agreed", nil, func(a *gateway.Ask) { a.Accounts = []string{"acc_none"} }, refusal.AccountNotCovered, 0},
		{"a made-up page token", nil, func(a *gateway.Ask) { a.PageToken = "x" }, refusal.PageTokenInvalid, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ask := w.ask()
			if tt.do != nil {
				tt.do(w)
			}
			if tt.ask != nil {
				tt.ask(&ask)
			}
			released, err := w.gate.Release(t.Context(), ask)
			if refusal.ReasonOf(err) != tt.want {
				t.Errorf("Release = %v, want %s", err, refusal.Name(tt.want))
			}
			if len(released.Encoded()) != 0 || released.Receipt().Valid() || len(w.records) != 0 {
				t.Errorf("released %d bytes with %d records", len(released.Encoded()), len(w.records))
			}
			if n := len(w.bank.Requests()); n != tt.bank {
				t.Errorf("the bank was asked %d times, want %d", n, tt.bank)
			}
		})
	}
}

type zeroDecider struct{}

func (zeroDecider) Decide(context.Context, policy.Question) (policy.Verdict, error) {
	return policy.Verdict{}, nil
}

func TestRevokeBetweenDecisionAndRecordWins(t *testing.T) {
	w := newWorld(t)
	w.bank.Before(func() {
		if _, err := w.book.Revoke(t.Context(), w.customer(), w.id); err != nil {
			t.Error(err)
		}
	})
	released, err := w.gate.Release(t.Context(), w.ask())
	if refusal.ReasonOf(err) != refusal.ConsentRevoked || len(released.Encoded()) != 0 || len(w.records) != 0 {
		t.Errorf("Release = %d bytes, %v, %d records; want CONSENT_REVOKED and nothing", len(released.Encoded()), err, len(w.records))
	}
}

func TestNarrowBetweenDecisionAndRecordIsObeyed(t *testing.T) {
	w := newWorld(t)
	narrowed := false
	w.bank.Before(func() {
		if narrowed {
			return
		}
		narrowed = true
		if _, err := w.book.WithdrawAccount(t.Context(), w.customer(), w.id, 0, "A2"); err != nil {
			t.Error(err)
		}
	})
	released, err := w.gate.Release(t.Context(), w.ask())
	if err != nil {
		t.Fatal(err)
	}
	var got partnerv1.ListBalancesResponse
	if err := proto.Unmarshal(released.Encoded(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.GetAccounts()) != 1 || got.GetRelease().GetGrantRevision() != 3 {
		t.Errorf("released %v, want one account under revision 3", &got)
	}
}

func TestGrantThatKeepsChangingIsRefused(t *testing.T) {
	w := newWorld(t)
	paused := false
	w.bank.Before(func() {
		// Paused and resumed: active again, but another revision each time.
		for range 2 {
			var err error
			if paused = !paused; paused {
				_, err = w.book.Pause(t.Context(), w.customer(), w.id, 0)
			} else {
				_, err = w.book.Resume(t.Context(), w.customer(), w.id, 0)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := w.gate.Release(t.Context(), w.ask()); refusal.ReasonOf(err) != refusal.GrantChanged {
		t.Errorf("Release = %v, want GRANT_CHANGED", err)
	}
	if n := len(w.bank.Requests()); n != 2 || len(w.records) != 0 {
		t.Errorf("%d walks, %d records, want 2 and none", n, len(w.records))
	}
}

// silent makes receipts that prove nothing.
type silent struct{}

func (silent) Outcome(disclosure.Receipt, disclosure.Outcome) {}

func (silent) Record(context.Context, disclosure.Entry) (disclosure.Receipt, error) {
	return disclosure.Receipt{}, nil
}

func TestNothingLeavesWithoutAReceipt(t *testing.T) {
	w := newWorld(t)
	w.gate.Recorder = silent{}
	released, err := w.gate.Release(t.Context(), w.ask())
	if refusal.ReasonOf(err) != refusal.RecordUnavailable || len(released.Encoded()) != 0 {
		t.Errorf("Release = %d bytes, %v; want RECORD_UNAVAILABLE and nothing", len(released.Encoded()), err)
	}
}

func TestCallOutOfTimeIsRefusedForThat(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, stop := context.WithDeadlineCause(ctx, time.Now().Add(-time.Second), nil)
	defer stop()
	if _, err := w.gate.Release(ctx, w.ask()); refusal.ReasonOf(err) != refusal.DeadlineExceeded {
		t.Errorf("Release = %v, want DEADLINE_EXCEEDED", err)
	}
	if len(w.records) != 0 {
		t.Error("a record was made")
	}
}

func TestAPeriodThatCanNotBeIsNamedByTheFieldThatWasSent(t *testing.T) {
	today := consent.DayOf(noon)
	for field, ask := range map[string]func(*gateway.Ask){
		"from_date": func(a *gateway.Ask) { a.From = today + 2 },
		"to_date":   func(a *gateway.Ask) { a.To = today - 300 },
	} {
		w := newWorld(t)
		a := w.ask()
		a.Kind, a.One, a.Accounts = policy.Transactions, true, []string{gateway.NewPairwise([]byte("key")).Account("messenger", "morava", "A1")}
		ask(&a)
		_, err := w.gate.Release(t.Context(), a)
		var r *refusal.Error
		if !errors.As(err, &r) || r.Reason != refusal.InvalidRequest || len(r.Violations) != 1 || r.Violations[0].Field != field {
			t.Errorf("Release = %v, want INVALID_REQUEST of %s", err, field)
		}
	}
}
