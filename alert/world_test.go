package alert_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/alert"
	"sluice/alert/alertdb"
	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	"sluice/gateway"
	"sluice/gateway/fields"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/policy"
	"sluice/registry"
	"sluice/registry/registrydb"
	"sluice/seal"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

const (
	wasMe     = datav1.AlertChoice_ALERT_CHOICE_WAS_ME
	notMe     = datav1.AlertChoice_ALERT_CHOICE_NOT_ME
	blockCard = datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD
	answered  = datav1.AlertStatus_ALERT_STATUS_ANSWERED
	resolved  = datav1.AlertStatus_ALERT_STATUS_RESOLVED
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is a gate on a database, a bank with alerts, and partners with consents.
type world struct {
	t        *testing.T
	db       *sqldb.DB
	bank     *banktest.Bank
	book     *consent.Book
	registry *registrydb.Store
	gate     *gateway.Gate
	sealer   *seal.Sealer
	now      atomic.Int64 // milliseconds
	consents map[consent.PartnerID]consent.ID
}

func newWorld(t *testing.T, open sqldbtest.Open) *world {
	t.Helper()
	w := &world{t: t, db: open(t), bank: banktest.New(), consents: map[consent.PartnerID]consent.ID{}}
	w.now.Store(noon.UnixMilli())
	log := logdb.NewWithClock(w.db, "boot_1", w.clock)
	t.Cleanup(log.Close)
	w.registry = registrydb.New(w.db)
	w.book = consent.NewBook(grantdb.New(w.db), consenttest.NewBarrier(), w.clock)
	engine, err := policy.New(t.Context())
	w.must(err)
	w.sealer, err = seal.NewSealer(seal.NewKey())
	w.must(err)
	w.gate, err = gateway.New(gateway.Config{
		Grants: w, HandOffs: barrier.NewGates(func() time.Duration { return 0 }), Parties: w.registry, Policy: engine, Banks: w.bank,
		Recorder: disclosure.NewRecorder(log), Usage: log, Refusals: log, Pairwise: gateway.NewPairwise([]byte("key")),
		Tokens: w.sealer, Observer: nobody{}, Now: w.clock,
	})
	w.must(err)
	w.must(w.registry.PutBank(t.Context(), registry.Bank{ID: "morava", Name: "Banka Morava", Standing: registry.Active}))
	for _, p := range []consent.PartnerID{"messenger", "wallet"} {
		w.must(w.registry.PutPartner(t.Context(), registry.Partner{ID: p, Name: string(p), Standing: registry.Active, Access: registry.ByCertificate}))
		w.give(p, consent.FraudAlerts, "A1")
	}
	w.warn(noon.Add(time.Hour), wasMe, notMe)
	return w
}

type nobody struct{}

func (nobody) Dropped(consent.BankID, fields.Dropped) {}
func (nobody) Released(disclosure.Outcome)            {}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time      { return time.UnixMilli(w.now.Load()).UTC() }
func (w *world) pass(by time.Duration) { w.now.Add(by.Milliseconds()) }

func (w *world) Grant(ctx context.Context, id consent.ID) (consent.Grant, error) {
	g, _, err := grantdb.New(w.db).Load(ctx, id)
	return g, err
}

func (w *world) Newest(ctx context.Context, id consent.ID) (consent.Grant, error) {
	return w.Grant(ctx, id)
}

func (w *world) customer() consent.ByCustomer {
	return consent.ByCustomer{Bank: "morava", Customer: "one"}
}

// give makes the customer agree to share one kind of data, and balances, with a partner.
func (w *world) give(p consent.PartnerID, kind consent.Cluster, accounts ...consent.AccountID) {
	w.t.Helper()
	clusters := consent.ClustersOf(kind, consent.Balances)
	asked, err := w.book.Request(w.t.Context(), p, "morava", consent.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to ask about it",
		ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 4,
	})
	w.must(err)
	var choice consent.Choice
	for _, a := range accounts {
		choice.Shares = append(choice.Shares, consent.Share{Account: a, Clusters: clusters})
	}
	_, err = w.book.Authorize(w.t.Context(), w.customer(), asked.ID, 0, choice)
	w.must(err)
	w.consents[p] = asked.ID
}

// warn makes the bank have one open alert, W1 on account A1, until an instant.
func (w *world) warn(until time.Time, choices ...datav1.AlertChoice) {
	w.show(&datav1.FraudAlert{
		AlertId: "W1", Status: datav1.AlertStatus_ALERT_STATUS_OPEN, Text: "Was this you?", Choices: choices,
		RaisedAt: timestamppb.New(noon), ExpiresAt: timestamppb.New(until),
	})
}

func (w *world) show(a *datav1.FraudAlert) {
	w.bank.Answer(bank.ListAlerts, &bankv1.ListAlertsResponse{Accounts: []*datav1.AccountAlerts{{AccountId: "A1", Alerts: []*datav1.FraudAlert{a}}}})
}

func (w *world) store() *alertdb.Store { return alertdb.NewWithClock(w.db, w.clock) }

// desk is one of any number of replicas'.
func (w *world) desk(change ...func(*alert.Config)) *alert.Desk {
	c := alert.Config{Gate: w.gate, Store: w.store(), Banks: w.bank, Sealer: w.sealer, Now: w.clock}
	for _, f := range change {
		f(&c)
	}
	return alert.New(c)
}

// says is an answer of the customer's, through a partner, with a confirmation "tap".
func (w *world) says(p consent.PartnerID, c datav1.AlertChoice) alert.Question {
	return alert.Question{
		Ask: gateway.Ask{
			Partner: p, Consent: w.consents[p], Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
			Accounts: []string{account(p, "A1")}, From: consent.NoDay, To: consent.NoDay,
			Method: "sluice.partner.v1.AlertService/AnswerAlert", RequestID: "r",
		},
		Alert: "W1", Choice: c, Confirmation: "tap",
	}
}

func account(p consent.PartnerID, a consent.AccountID) string {
	return gateway.NewPairwise([]byte("key")).Account(p, "morava", a)
}

func (w *world) kept() (alert.Answer, bool) {
	w.t.Helper()
	a, found, err := w.store().Find(w.t.Context(), alert.Subject{Bank: "morava", Account: "A1", Alert: "W1"})
	w.must(err)
	return a, found
}

// each runs a test in a world of its own on each engine.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) { test(t, newWorld(t, open)) })
}
