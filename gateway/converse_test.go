package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

const (
	service = consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE
	card    = "4111 1111 1111 1111"
	iban    = "CZ65 0800 0000 1920 0014 5399"
)

var conversations = consent.ClustersOf(consent.Conversations)

// talking is a world with a consent to converse about A1 and A2, whose bank
// answers every method with what is of this consent.
func talking(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.agree(conversations, service)
	w.answerOf(string(w.id))
	return w
}

// agree makes a live consent over A1 and A2.
func (w *world) agree(clusters consent.Clusters, purpose consentv1.Purpose) {
	w.t.Helper()
	asked, err := w.book.Request(w.t.Context(), "messenger", "morava", consent.Terms{
		Clusters: clusters, Purpose: purpose, PurposeText: "to talk", LookBackDays: 1, ValidUntil: noon.AddDate(0, 1, 0), UnattendedPerDay: 4,
	})
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

// answerOf makes the bank answer every method with what belongs to a consent.
func (w *world) answerOf(id string) {
	one := &bankv1.ListConversationsResponse{Accounts: []*datav1.AccountConversations{{AccountId: "A1", Conversations: []*datav1.Conversation{
		{ConversationId: "t1", ConsentId: id, Topic: "about " + card, Status: datav1.ConversationStatus_CONVERSATION_STATUS_OPEN},
	}}}}
	said := &bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{{AccountId: "A1", Messages: []*datav1.Message{
		{MessageId: "m1", ConversationId: "t1", ConsentId: id, Author: datav1.Author_AUTHOR_AGENT, Text: "we sent it to " + iban},
	}}}}
	for _, m := range []bank.Method{bank.StartConversation, bank.MarkConversation, bank.CloseConversation, bank.ListConversations} {
		w.bank.Answer(m, one)
	}
	w.bank.Answer(bank.SendMessage, said)
	w.bank.Answer(bank.ListMessages, said)
}

func (w *world) saying() gateway.Ask {
	ask := w.ask()
	ask.Purpose, ask.Accounts = service, []string{public("A1")}
	ask.Words = bank.Words{
		Conversation: "t1", ClientID: "c1", Topic: "card " + card, Text: "pay to " + iban + " from " + card,
		Attachments: []*datav1.Attachment{{Name: "bill " + card + ".pdf", MediaType: "application/pdf", SizeBytes: 7, Url: "https://partner.example/f/1"}},
	}
	return ask
}

var telling = []bank.Method{bank.StartConversation, bank.SendMessage, bank.MarkConversation, bank.CloseConversation}

func TestWhatIsSaidIsToldFilteredAndOnRecord(t *testing.T) {
	for _, method := range telling {
		t.Run(string(method), func(t *testing.T) {
			w := talking(t)
			ask := w.saying()
			ask.Method = "sluice.partner.v1.ConversationService/X"
			got, err := w.gate.Converse(t.Context(), ask, method)
			if err != nil {
				t.Fatal(err)
			}
			got.Sent()
			calls := w.bank.Calls()
			if len(calls) != 1 || calls[0].Method != method {
				t.Fatalf("the bank had %v", calls)
			}
			if r := calls[0].Request; r.Customer != "one" || r.Partner != "messenger" || r.Consent != w.id || len(r.Accounts) != 1 ||
				r.Accounts[0] != "A1" || r.Words.Conversation != "t1" || r.Words.ClientID != "c1" {
				t.Errorf("the bank was told %+v", r)
			}
			account, release := answered(t, method, got)
			if account != public("A1") || release.GetDisclosureId() != string(got.Receipt().ID()) {
				t.Errorf("answered %s by %v", account, release)
			}
			if strings.Contains(string(got.Encoded()), card) || strings.Contains(string(got.Encoded()), iban) {
				t.Error("a number left as it was")
			}
			if len(w.records) != 1 || w.records[0].Method != ask.Method || w.records[0].Items != 1 ||
				w.records[0].Clusters != conversations || w.records[0].Purpose != service {
				t.Errorf("on record: %+v", w.records)
			}
		})
	}
}

// answered reads an answer's account and record.
func answered(t *testing.T, m bank.Method, r gateway.Released) (string, *partnerv1.Release) {
	t.Helper()
	if m == bank.SendMessage {
		var got partnerv1.SendMessageResponse
		if err := proto.Unmarshal(r.Encoded(), &got); err != nil || len(got.GetAccounts()) != 1 || len(got.GetAccounts()[0].GetMessages()) != 1 {
			t.Fatalf("answered %v, %v", &got, err)
		}
		return got.GetAccounts()[0].GetAccountId(), got.GetRelease()
	}
	var got partnerv1.StartConversationResponse
	if err := proto.Unmarshal(r.Encoded(), &got); err != nil || len(got.GetAccounts()) != 1 || len(got.GetAccounts()[0].GetConversations()) != 1 {
		t.Fatalf("answered %v, %v", &got, err)
	}
	return got.GetAccounts()[0].GetAccountId(), got.GetRelease()
}

// What the bank receives has the numbers masked that it does not let pass, in
// everything that people wrote, and nothing that the contract does not know.
func TestTheBankReceivesWordsMaskedAsItsRulesSay(t *testing.T) {
	for pass, reads := range map[registry.ChatPass][]string{
		0:                           nil,
		registry.PassAccountNumbers: {iban},
		registry.PassAccountNumbers | registry.PassCardNumbers: {iban, card},
	} {
		w := talking(t)
		w.chat = pass
		ask := w.saying()
		secret := protowire.AppendString(protowire.AppendTag(nil, 99, protowire.BytesType), "past the contract "+card)
		ask.Words.Attachments[0].ProtoReflect().SetUnknown(secret)
		got, err := w.gate.Converse(t.Context(), ask, bank.StartConversation)
		if err != nil {
			t.Fatal(err)
		}
		got.Sent()
		heard := w.bank.Calls()[0].Request.Words
		if files := heard.Attachments; len(files) != 1 || files[0].GetUrl() != "https://partner.example/f/1" || len(files[0].ProtoReflect().GetUnknown()) != 0 {
			t.Errorf("passes %v: files %v", pass.Names(), files)
		}
		for number, in := range map[string][]string{
			card: {heard.Text, heard.Topic, heard.Attachments[0].GetName()},
			iban: {heard.Text},
		} {
			for _, text := range in {
				if want := contains(reads, number); strings.Contains(text, number) != want {
					t.Errorf("passes %v: the bank reads %q", pass.Names(), text)
				}
			}
		}
		if own := ask.Words.Attachments[0].GetName(); !strings.Contains(own, card) {
			t.Errorf("the partner's own words were changed: %q", own)
		}
	}
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// Nothing is told to the bank without an allowing verdict, from the truth.
func TestNothingIsToldWithoutAnAllowingVerdict(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*world)
		ask  func(*gateway.Ask)
		want refusal.Reason
	}{
		{"paused", func(w *world) { w.change(w.book.Pause) }, nil, refusal.ConsentPaused},
		{"revoked", func(w *world) { w.change(revoking(w.book)) }, nil, refusal.ConsentRevoked},
		{"revoked, and live in the cache", func(w *world) { w.remember(); w.change(revoking(w.book)) }, nil, refusal.ConsentRevoked},
		{"its account withdrawn", func(w *world) { w.withdraw("A1") }, nil, refusal.AccountNotCovered},
		{"another purpose stated", nil, func(a *gateway.Ask) { a.Purpose = consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT }, refusal.PurposeNotPermitted},
		{"another purpose agreed", func(w *world) { w.agree(conversations, consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT) }, func(a *gateway.Ask) {
			a.Purpose = consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT
		}, refusal.PurposeNotPermitted},
		{"conversations not agreed", func(w *world) { w.agree(balances, service) }, nil, refusal.ClusterNotCovered},
		{"another partner", nil, func(a *gateway.Ask) { a.Partner = "wallet" }, refusal.ConsentNotFound},
		{"no such consent", nil, func(a *gateway.Ask) { a.Consent = "con_none" }, refusal.ConsentNotFound},
		{"a token without the account", nil, func(a *gateway.Ask) { a.Ceiling = map[string]consent.Clusters{public("A2"): conversations} }, refusal.AccountNotCovered},
		{"a token without conversations", nil, func(a *gateway.Ask) { a.Ceiling = map[string]consent.Clusters{public("A1"): balances} }, refusal.ClusterNotCovered},
		{"no token", func(w *world) { w.access = registry.ByToken }, nil, refusal.TokenInvalid},
		{"an account that is none", nil, func(a *gateway.Ask) { a.Accounts = []string{"acc_none"} }, refusal.AccountNotCovered},
		{"no account", nil, func(a *gateway.Ask) { a.Accounts = nil }, refusal.AccountNotCovered},
		{"two accounts", nil, func(a *gateway.Ask) { a.Accounts = []string{public("A1"), public("A2")} }, refusal.AccountNotCovered},
		{"the partner suspended", func(w *world) { w.standing["messenger"] = registry.Suspended }, nil, refusal.PartnerSuspended},
		{"the bank suspended", func(w *world) { w.standing["morava"] = registry.Suspended }, nil, refusal.BankSuspended},
		{"grants can't be read", func(w *world) { w.fail["grants"] = errPart }, nil, refusal.RecordUnavailable},
		{"the bank's rules can't be read", func(w *world) { w.fail["bank"] = errPart }, nil, refusal.RecordUnavailable},
		{"policy fails", func(w *world) { w.fail["policy"] = errPart }, nil, refusal.PolicyUnavailable},
		{"policy makes the zero verdict", func(w *world) { w.decider = zeroDecider{} }, nil, refusal.PolicyUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range telling {
				w := talking(t)
				if tt.do != nil {
					tt.do(w)
				}
				ask := w.saying()
				if tt.ask != nil {
					tt.ask(&ask)
				}
				got, err := w.gate.Converse(t.Context(), ask, method)
				if refusal.ReasonOf(err) != tt.want || len(got.Encoded()) != 0 {
					t.Errorf("%s = %v, want %s", method, err, refusal.Name(tt.want))
				}
				if len(w.bank.Calls()) != 0 || len(w.records) != 0 {
					t.Errorf("%s: the bank was told %v", method, w.bank.Calls())
				}
			}
		})
	}
}

func TestConversationsForAnotherPurposeAreToldSo(t *testing.T) {
	w := talking(t)
	w.agree(conversations, consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT)
	ask := w.saying()
	ask.Purpose = consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT
	_, err := w.gate.Converse(t.Context(), ask, bank.SendMessage)
	var no *refusal.Error
	if !errors.As(err, &no) || !strings.Contains(no.Message, "CUSTOMER_SERVICE") {
		t.Errorf("told %v", err)
	}
}

// A conversation that is closed is closed by the customer, who must be there too.
func TestNothingIsSaidForACustomerWhoIsNotThere(t *testing.T) {
	for _, method := range telling {
		w := talking(t)
		ask := w.saying()
		ask.Unattended = true
		_, err := w.gate.Converse(t.Context(), ask, method)
		var r *refusal.Error
		if !errors.As(err, &r) || len(r.Violations) != 1 || r.Violations[0].Field != "access.attendance" {
			t.Errorf("%s = %v, which names no field", method, err)
		}
		if refusal.ReasonOf(err) != refusal.InvalidRequest || len(w.bank.Calls()) != 0 {
			t.Errorf("%s = %v, and the bank had %v", method, err, w.bank.Calls())
		}
	}
}

func TestMethodsThatTellNothingAreNotForConversing(t *testing.T) {
	for _, method := range []bank.Method{bank.ListMessages, bank.ListBalances, "", "/made.up/Method"} {
		w := talking(t)
		if _, err := w.gate.Converse(t.Context(), w.saying(), method); err == nil || len(w.bank.Calls()) != 0 {
			t.Errorf("%s = %v", method, err)
		}
	}
}

func TestNothingLeavesOfAnotherConsentsConversation(t *testing.T) {
	for _, of := range []string{"con_other", ""} {
		w := talking(t)
		w.answerOf(of)
		for _, method := range telling {
			got, err := w.gate.Converse(t.Context(), w.saying(), method)
			if refusal.ReasonOf(err) != refusal.BankAnswerInvalid || len(got.Encoded()) != 0 || len(w.records) != 0 {
				t.Errorf("%s of %q = %d bytes, %v", method, of, len(got.Encoded()), err)
			}
		}
		if w.dropped.Foreign != 1 {
			t.Errorf("dropped %+v", w.dropped)
		}
	}
}

func TestARefusalOfTheBankIsCalmAndSaysNothingOfItsWords(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fails  error
		method bank.Method
		want   refusal.Reason
		says   string
	}{
		{"it does not converse", bank.ErrNotServed, bank.StartConversation, refusal.ChangeNotPossible, "does not talk with customers"},
		{"no such conversation", bank.ErrNoConversation, bank.SendMessage, refusal.InvalidRequest, "conversation_id"},
		{"an ended conversation", bank.ErrNotTaken, bank.SendMessage, refusal.ChangeNotPossible, "may have ended"},
		{"something is wrong", bank.ErrNotUnderstood, bank.StartConversation, refusal.ChangeNotPossible, "does not take this"},
		{"no such message read", bank.ErrNotUnderstood, bank.MarkConversation, refusal.InvalidRequest, "read_up_to"},
		{"no such customer", bank.ErrNoCustomer, bank.StartConversation, refusal.BankUnavailable, ""},
		{"away", bank.ErrUnavailable, bank.SendMessage, refusal.BankUnavailable, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := talking(t)
			w.bank.Fail(fmt.Errorf("%w: customer 9593 owes", tt.fails))
			got, err := w.gate.Converse(t.Context(), w.saying(), tt.method)
			var no *refusal.Error
			if !errors.As(err, &no) || no.Reason != tt.want || len(got.Encoded()) != 0 || len(w.records) != 0 {
				t.Fatalf("%s = %v, want %s", tt.method, err, refusal.Name(tt.want))
			}
			shown := fmt.Sprint(no.Message, no.Violations, no.Metadata)
			if !strings.Contains(shown, tt.says) || strings.Contains(shown, "9593") {
				t.Errorf("the partner reads %q", shown)
			}
			if len(w.bank.Calls()) != 1 {
				t.Errorf("the bank was told %d times", len(w.bank.Calls()))
			}
		})
	}
}

// The consent changed while the bank was told: it is told again what it has
// once, or no more if the consent does not permit it any more.
func TestWhatIsSaidIsToldAgainUnderAConsentThatChangedMeanwhile(t *testing.T) {
	w := talking(t)
	changed := false
	w.bank.Before(func() {
		if !changed {
			changed = true
			w.withdraw("A2")
		}
	})
	got, err := w.gate.Converse(t.Context(), w.saying(), bank.SendMessage)
	if err != nil {
		t.Fatal(err)
	}
	got.Sent()
	if calls := w.bank.Calls(); len(calls) != 2 || calls[0].Request.Words.ClientID != calls[1].Request.Words.ClientID || len(w.records) != 1 {
		t.Errorf("told %d times, %d records", len(calls), len(w.records))
	}
}

func TestWhatIsRevokedMeanwhileIsNotToldAgain(t *testing.T) {
	w := talking(t)
	w.bank.Before(func() { w.change(revoking(w.book)) })
	got, err := w.gate.Converse(t.Context(), w.saying(), bank.SendMessage)
	if refusal.ReasonOf(err) != refusal.ConsentRevoked || len(got.Encoded()) != 0 || len(w.bank.Calls()) != 1 || len(w.records) != 0 {
		t.Errorf("Converse = %v, told %d times", err, len(w.bank.Calls()))
	}
}

// A change that is final between the decision and the telling is followed by no words.
func TestNothingIsToldOnceAChangeIsFinal(t *testing.T) {
	w := talking(t)
	engine := w.decider
	w.decider = meanwhile{engine, func() {
		w.decider = engine
		w.change(revoking(w.book))
		if err := w.gates.Drain(t.Context(), w.id, 3); err != nil {
			t.Error(err)
		}
	}}
	if _, err := w.gate.Converse(t.Context(), w.saying(), bank.SendMessage); refusal.ReasonOf(err) != refusal.ConsentRevoked {
		t.Errorf("Converse = %v, want CONSENT_REVOKED", err)
	}
	if len(w.bank.Calls()) != 0 {
		t.Errorf("the bank was told %v", w.bank.Calls())
	}
}

// A bank that is long in being reached is told nothing by a grant that was read
// before.
func TestNothingIsToldThatWaitedForTheBankToBeReached(t *testing.T) {
	w := talking(t)
	w.bank.OnReach(func() {
		w.bank.OnReach(nil)
		w.change(revoking(w.book))
		if err := w.gates.Drain(t.Context(), w.id, 3); err != nil {
			t.Error(err)
		}
	})
	if _, err := w.gate.Converse(t.Context(), w.saying(), bank.SendMessage); refusal.ReasonOf(err) != refusal.ConsentRevoked {
		t.Errorf("Converse = %v, want CONSENT_REVOKED", err)
	}
	if len(w.bank.Calls()) != 0 {
		t.Errorf("the bank was told %v", w.bank.Calls())
	}
}

// meanwhile does something between the decision and what follows from it.
type meanwhile struct {
	gateway.Decider
	do func()
}

func (m meanwhile) Decide(ctx context.Context, q policy.Question) (policy.Verdict, error) {
	v, err := m.Decider.Decide(ctx, q)
	m.do()
	return v, err //nolint:wrapcheck // the engine's own
}
