package gateway_test

import (
	"strings"
	"testing"

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
)

// A listing refuses in the same words.
func TestListingsOfConversationsAreRefusedAlike(t *testing.T) {
	for fails, want := range map[error]refusal.Reason{
		bank.ErrNotServed: refusal.ChangeNotPossible, bank.ErrNoConversation: refusal.InvalidRequest, bank.ErrNotUnderstood: refusal.InvalidRequest,
	} {
		w := talking(t)
		w.bank.Fail(fails)
		ask := w.saying()
		ask.Kind, ask.One = policy.Messages, true
		if _, err := w.gate.Release(t.Context(), ask); refusal.ReasonOf(err) != want {
			t.Errorf("%v = %v, want %s", fails, err, refusal.Name(want))
		}
	}
}

func TestListingsAreOfThisConsentAlone(t *testing.T) {
	w := talking(t)
	ask := w.saying()
	ask.Kind, ask.One, ask.PageSize = policy.Messages, true, 20
	ask.Words = bank.Words{Conversation: "t1", Before: "m9"}
	got, err := w.gate.Release(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	got.Sent()
	c := w.bank.Calls()[0]
	if c.Method != bank.ListMessages || c.Request.Consent != w.id || c.Request.Partner != "messenger" || c.Request.PageSize != 20 ||
		c.Request.Words.Conversation != "t1" || c.Request.Words.Before != "m9" {
		t.Errorf("the bank was asked %+v", c)
	}
	w.answerOf("con_other")
	ask.Kind, ask.One, ask.Accounts, ask.Words = policy.Conversations, false, nil, bank.Words{OpenOnly: true}
	got, err = w.gate.Release(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	got.Sent()
	if c := w.bank.Calls()[1]; c.Method != bank.ListConversations || !c.Request.Words.OpenOnly || strings.Contains(string(got.Encoded()), "t1") {
		t.Errorf("asked %+v, released %q", c, got.Encoded())
	}
}

// What the bank writes is delivered like any event, and to its own consent only.
func TestAMessageThatABankPublishesIsDeliveredMaskedToItsOwnConsent(t *testing.T) {
	w := talking(t)
	published := func(of consent.ID) gateway.Push {
		p := w.push(&bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{{AccountId: "A1", Messages: []*datav1.Message{
			{MessageId: "m2", ConversationId: "t1", ConsentId: string(of), Author: datav1.Author_AUTHOR_BOT, Text: "to " + iban},
		}}}})
		p.Kind = policy.Messages
		return p
	}
	got, err := w.gate.Deliver(t.Context(), published(w.id))
	if err != nil {
		t.Fatal(err)
	}
	got.Sent()
	var event partnerv1.MessageEvent
	if err := proto.Unmarshal(got.Encoded(), &event); err != nil {
		t.Fatal(err)
	}
	if text := event.GetAccounts()[0].GetMessages()[0].GetText(); strings.Contains(text, iban) || !strings.HasPrefix(text, "to ") || !w.records[0].Pushed {
		t.Errorf("delivered %q", text)
	}
	for _, of := range []consent.ID{"con_other", ""} {
		if got, err := w.gate.Deliver(t.Context(), published(of)); err == nil || !gateway.NeverAgain(err) || len(got.Encoded()) != 0 {
			t.Errorf("of %q: Deliver = %v", of, err)
		}
	}
	w.agree(conversations, consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT)
	if _, err := w.gate.Deliver(t.Context(), published(w.id)); refusal.ReasonOf(err) != refusal.PurposeNotPermitted {
		t.Errorf("for another purpose: Deliver = %v", err)
	}
	if len(w.bank.Calls()) != 0 {
		t.Error("the bank was asked")
	}
}
