package gateway_test

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/disclosure"
	"sluice/gateway"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

// push is an event of A1's balances, published by the consent's bank.
func (w *world) push(answer proto.Message) gateway.Push {
	w.t.Helper()
	encoded, err := proto.Marshal(answer)
	if err != nil {
		w.t.Fatal(err)
	}
	return gateway.Push{
		Partner: "messenger", Consent: w.id, Bank: "morava", Account: "A1", Kind: policy.Balances,
		Answer: encoded, Method: "sluice.partner.v1.EventService/Subscribe", RequestID: "r",
	}
}

func TestAnEventIsFilteredAndOnRecordBeforeItLeaves(t *testing.T) {
	w := newWorld(t)
	// The bank says more than one account's balances.
	released, err := w.gate.Deliver(t.Context(), w.push(balancesOf("A1", "A2", "A3")))
	if err != nil {
		t.Fatal(err)
	}
	var got partnerv1.BalanceEvent
	if err := proto.Unmarshal(released.Encoded(), &got); err != nil {
		t.Fatal(err)
	}
	if a := got.GetAccounts(); len(a) != 1 || a[0].GetAccountId() != public("A1") || a[0].GetBalances()[0].GetAmount().GetUnits() != 7 {
		t.Errorf("delivered %v, want A1 alone, by its pairwise id", a)
	}
	if w.dropped.Accounts != 2 {
		t.Errorf("what the bank said too much was not counted: %+v", w.dropped)
	}
	if len(w.bank.Requests()) != 0 {
		t.Error("the bank was asked")
	}
	if got.GetRelease().GetDisclosureId() != string(released.Receipt().ID()) || got.GetRelease().GetAccessBudget() != nil {
		t.Errorf("release = %v, want the record and no budget", got.GetRelease())
	}
	if len(w.records) != 1 {
		t.Fatalf("%d records, want one", len(w.records))
	}
	r := w.records[0]
	if !r.Pushed || !r.Unattended || r.Items != 1 || len(r.Accounts) != 1 || r.Accounts[0] != "A1" || r.Purpose != r.Grant.Purpose() ||
		r.Method != "sluice.partner.v1.EventService/Subscribe" || r.Clusters != balances {
		t.Errorf("on record: %+v", r)
	}
	released.Sent()
}

// An event was published, and something happened before it was delivered.
func TestWhatHappensBetweenPublishingAndDeliveryWins(t *testing.T) {
	event := func(w *world) gateway.Push { return w.push(balancesOf("A1")) }
	for _, tt := range []struct {
		name  string
		do    func(*world)
		push  func(*gateway.Push)
		want  refusal.Reason
		never bool // to be dropped, not tried again
	}{
		{"revoked", func(w *world) { w.change(revoking(w.book)) }, nil, refusal.ConsentRevoked, true},
		{"paused", func(w *world) { w.change(w.book.Pause) }, nil, refusal.ConsentPaused, true},
		{"revoked, and the cache is old", func(w *world) { w.remember(); w.change(revoking(w.book)) }, nil, refusal.ConsentRevoked, true},
		{"paused, and the cache is old", func(w *world) { w.remember(); w.change(w.book.Pause) }, nil, refusal.ConsentPaused, true},
		{"the account was withdrawn", func(w *world) { w.withdraw("A1") }, nil, refusal.AccountNotCovered, true},
		{"withdrawn, and the cache is old", func(w *world) { w.remember(); w.withdraw("A1") }, nil, refusal.AccountNotCovered, true},
		{"the kind of data was never agreed", nil, func(p *gateway.Push) { p.Kind = policy.Alerts }, refusal.ClusterNotCovered, true},
		{"an account of nobody", nil, func(p *gateway.Push) { p.Account = "A9" }, refusal.AccountNotCovered, true},
		{"another bank's account of the same name", nil, func(p *gateway.Push) { p.Bank = "tatra" }, refusal.ConsentNotFound, true},
		{"another partner", nil, func(p *gateway.Push) { p.Partner = "wallet" }, refusal.ConsentNotFound, true},
		{"no such consent", nil, func(p *gateway.Push) { p.Consent = "con_none" }, refusal.ConsentNotFound, true},
		{"an event of another account", nil, func(p *gateway.Push) { p.Account = "A2" }, refusal.BankAnswerInvalid, true},
		{"garbage", nil, func(p *gateway.Push) { p.Answer = []byte{0xff} }, refusal.BankAnswerInvalid, true},
		{"the partner is suspended", func(w *world) { w.standing["messenger"] = registry.Suspended }, nil, refusal.PartnerSuspended, false},
		{"the bank is suspended", func(w *world) { w.standing["morava"] = registry.Suspended }, nil, refusal.BankSuspended, false},
		{"grants can't be read", func(w *world) { w.fail["grants"] = errPart }, nil, refusal.RecordUnavailable, false},
		{"policy fails", func(w *world) { w.fail["policy"] = errPart }, nil, refusal.PolicyUnavailable, false},
		{"policy makes the zero verdict", func(w *world) { w.decider = zeroDecider{} }, nil, refusal.PolicyUnavailable, false},
		{"record fails", func(w *world) { w.fail["record"] = errPart }, nil, refusal.RecordUnavailable, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			p := event(w)
			if tt.push != nil {
				tt.push(&p)
			}
			if tt.do != nil {
				tt.do(w)
			}
			released, err := w.gate.Deliver(t.Context(), p)
			if refusal.ReasonOf(err) != tt.want {
				t.Errorf("Deliver = %v, want %s", err, refusal.Name(tt.want))
			}
			if gateway.NeverAgain(err) != tt.never {
				t.Errorf("to be dropped: %t, want %t", gateway.NeverAgain(err), tt.never)
			}
			if len(released.Encoded()) != 0 || released.Receipt().Valid() || len(w.records) != 0 {
				t.Errorf("delivered %d bytes with %d records", len(released.Encoded()), len(w.records))
			}
		})
	}
}

func (w *world) withdraw(a consent.AccountID) {
	w.t.Helper()
	if _, err := w.book.WithdrawAccount(w.t.Context(), w.customer(), w.id, 0, a); err != nil {
		w.t.Fatal(err)
	}
}

func TestARevokeBetweenRecordAndHandOffOfAnEventWins(t *testing.T) {
	w := newWorld(t)
	w.onRecord = func() {
		w.change(revoking(w.book))
		if err := w.gates.Drain(t.Context(), w.id, 3); err != nil {
			t.Error(err)
		}
	}
	released, err := w.gate.Deliver(t.Context(), w.push(balancesOf("A1")))
	if refusal.ReasonOf(err) != refusal.ConsentRevoked || len(released.Encoded()) != 0 {
		t.Errorf("Deliver = %d bytes, %v, want CONSENT_REVOKED", len(released.Encoded()), err)
	}
	if len(w.records) != 1 || len(w.outcomes) != 1 || w.outcomes[0] != disclosure.Withheld {
		t.Errorf("%d records with outcomes %v, want one that was withheld", len(w.records), w.outcomes)
	}
}

func TestAnEventThatIsTooOldAtHandOffIsWithheldAndTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.onRecord = func() { w.clock.Add(int64(barrier.HandOffLimit + 1)) }
	_, err := w.gate.Deliver(t.Context(), w.push(balancesOf("A1")))
	if refusal.ReasonOf(err) != refusal.GrantChanged || gateway.NeverAgain(err) {
		t.Errorf("Deliver = %v, dropped: %t; want GRANT_CHANGED, and again later", err, gateway.NeverAgain(err))
	}
	if len(w.outcomes) != 2 || w.outcomes[0] != disclosure.Withheld {
		t.Errorf("outcomes %v, want two withheld", w.outcomes)
	}
}

func TestEventsNeedNoAccessAndNoTokenOfTheConsent(t *testing.T) {
	w := newWorld(t)
	w.access = registry.ByToken
	w.fail["usage"] = errPart // nothing is counted, so nothing is read
	for range 9 {             // four accesses a day were agreed
		released, err := w.gate.Deliver(t.Context(), w.push(balancesOf("A1")))
		if err != nil {
			t.Fatal(err)
		}
		released.Sent()
	}
	if len(w.records) != 9 {
		t.Errorf("%d records, want one for each", len(w.records))
	}
}

func TestNothingIsPushedUnderAConsentForTheCustomersPresence(t *testing.T) {
	for name, change := range map[string]func(*consent.Terms){
		"never without the customer": func(terms *consent.Terms) { terms.UnattendedPerDay = 0 },
		"for one time":               func(terms *consent.Terms) { terms.OneTime = true },
	} {
		w := newWorld(t)
		w.consentOn(change)
		_, err := w.gate.Deliver(t.Context(), w.push(balancesOf("A1")))
		if refusal.ReasonOf(err) != refusal.AccessLimitReached || !gateway.NeverAgain(err) || len(w.records) != 0 {
			t.Errorf("%s: Deliver = %v with %d records", name, err, len(w.records))
		}
	}
}

// A transaction from before the look-back is none that may leave.
func TestATransactionOutsideTheLookBackIsNotDelivered(t *testing.T) {
	w := newWorld(t)
	for day, ok := range map[consent.Day]bool{
		consent.DayOf(noon): true, consent.DayOf(noon) - 89: true, consent.DayOf(noon) - 90: false,
		consent.DayOf(noon) + 1: true, // it is, where clocks are ahead
		consent.DayOf(noon) + 2: false,
	} {
		y, m, d := day.Date()
		p := w.push(&bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{{AccountId: "A1", Transactions: []*datav1.Transaction{{
			TransactionId: "t", BookingDate: &date.Date{Year: int32(y), Month: int32(m), Day: int32(d)},
			Amount: &money.Money{CurrencyCode: "CZK", Units: -5}, Description: "rent",
		}}}}})
		p.Kind = policy.Transactions
		released, err := w.gate.Deliver(t.Context(), p)
		if (err == nil) != ok {
			t.Errorf("%s: Deliver = %v", day, err)
		}
		if !ok && (refusal.ReasonOf(err) != refusal.LookbackExceeded || !gateway.NeverAgain(err)) {
			t.Errorf("%s: Deliver = %v, want LOOKBACK_EXCEEDED for good", day, err)
		}
		if strings.Contains(string(released.Encoded()), "rent") {
			t.Error("the text left, which was not agreed")
		}
		released.Sent()
	}
}

// The partner asked for nothing, so nothing that it asked for was refused.
func TestAnEventThatTheConsentKeepsBackIsNoRefusalOfThePartners(t *testing.T) {
	for name, change := range map[string]func(*world){
		"paused":                         func(w *world) { w.change(w.book.Pause) },
		"revoked":                        func(w *world) { w.change(revoking(w.book)) },
		"the account was withdrawn":      func(w *world) { w.withdraw("A1") },
		"never without the customer":     func(w *world) { w.consentOn(func(terms *consent.Terms) { terms.UnattendedPerDay = 0 }) },
		"the partner is suspended":       func(w *world) { w.standing["messenger"] = registry.Suspended },
		"the same, and the cache is old": func(w *world) { w.remember(); w.change(w.book.Pause) },
	} {
		w := newWorld(t)
		change(w)
		if _, err := w.gate.Deliver(t.Context(), w.push(balancesOf("A1"))); err == nil {
			t.Errorf("%s: it was delivered", name)
		}
		if len(w.refused) != 0 {
			t.Errorf("%s: the customer reads of %v, and the app did nothing", name, w.refused)
		}
		// What the partner asks for itself is.
		ask := w.ask()
		ask.Unattended, ask.Accounts = true, []string{public("A1")}
		if _, err := w.gate.Release(t.Context(), ask); err == nil || len(w.refused) != 1 {
			t.Errorf("%s: a pull: %v, noted %v", name, err, w.refused)
		}
	}
}
