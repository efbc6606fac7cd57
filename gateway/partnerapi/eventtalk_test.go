package partnerapi_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/feed"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func (w *eventWorld) letTalk(partner consent.PartnerID, accounts ...string) consent.ID {
	w.t.Helper()
	return w.giveFor(partner, consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE, consent.ClustersOf(consent.Conversations), accounts...)
}

// wrote is what a bank wrote on A1, of one consent and, for all the feed knows, of
// another.
func (w *eventWorld) wrote(nth int64, says, of consent.ID, text string) feed.Event {
	return w.talked(nth, of, feed.ConversationMessage, &bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{{
		AccountId: "A1", Messages: []*datav1.Message{{
			MessageId: "m", ConversationId: "c", ConsentId: string(says), Author: datav1.Author_AUTHOR_AGENT, Text: text,
		}},
	}}})
}

func (w *eventWorld) talked(nth int64, of consent.ID, kind feed.Kind, answer proto.Message) feed.Event {
	w.t.Helper()
	encoded, err := proto.Marshal(answer)
	if err != nil {
		w.t.Fatal(err)
	}
	return feed.Event{Account: "A1", Sequence: nth, Kind: kind, Consent: of, Answer: encoded, Day: consent.NoDay, OccurredAt: w.now()}
}

func (w *eventWorld) say(events ...feed.Event) {
	w.t.Helper()
	if _, rejected, err := w.feed.Publish(w.t.Context(), "morava", events); err != nil || len(rejected) != 0 {
		w.t.Fatalf("publish: %v, %v", rejected, err)
	}
}

// heard pulls and acknowledges all that is due to a partner, and answers what is
// of conversations, in order.
func (w *eventWorld) heard(partner string) []*partnerv1.Event {
	w.t.Helper()
	client := w.as(partner)
	var out []*partnerv1.Event
	for empty := 0; empty < 5; empty++ { // what is dropped makes an empty answer, and the next due
		got, err := client.PullEvents(w.t.Context(), &partnerv1.PullEventsRequest{MaxEvents: 100})
		if err != nil {
			w.t.Fatal(err)
		}
		done := &partnerv1.AcknowledgeEventsRequest{}
		for _, e := range got.GetEvents() {
			if e.GetMessage() != nil || e.GetConversation() != nil {
				out = append(out, e)
			}
			done.Acknowledgements = append(done.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
		}
		if len(done.GetAcknowledgements()) == 0 {
			continue
		}
		empty = 0
		if _, err := client.AcknowledgeEvents(w.t.Context(), done); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func textOf(e *partnerv1.Event) string {
	if e.GetKind() != partnerv1.EventKind_EVENT_KIND_CONVERSATION_MESSAGE || len(e.GetMessage().GetAccounts()) != 1 ||
		e.GetMessage().GetAccounts()[0].GetAccountId() != pairwiseOf("A1") || e.GetMessage().GetRelease().GetDisclosureId() == "" {
		return "not as it is to be: " + e.String()
	}
	return e.GetMessage().GetAccounts()[0].GetMessages()[0].GetText()
}

func TestWhatABankWritesComesMaskedInOrderAndOnRecord(t *testing.T) {
	w := newEventWorld(t)
	id := w.letTalk("messenger", "A1")
	w.say(
		w.wrote(1, id, id, "Is it 4000 0000 0000 0002?"),
		w.talked(2, id, feed.ConversationChanged, &bankv1.ListConversationsResponse{Accounts: []*datav1.AccountConversations{{
			AccountId: "A1", Conversations: []*datav1.Conversation{{
				ConversationId: "c", ConsentId: string(id), Status: datav1.ConversationStatus_CONVERSATION_STATUS_OPEN, Topic: "4000000000000002",
			}},
		}}}),
		w.wrote(3, id, id, "Bye"),
	)
	got := w.heard("messenger")
	if len(got) != 3 {
		t.Fatalf("heard %v", got)
	}
	for i, want := range map[int]string{0: "Is it •••• •••• •••• 0002?", 2: "Bye"} {
		if textOf(got[i]) != want {
			t.Errorf("heard %q, want %q", textOf(got[i]), want)
		}
	}
	talk := got[1].GetConversation().GetAccounts()
	if got[1].GetKind() != partnerv1.EventKind_EVENT_KIND_CONVERSATION_CHANGED || len(talk) != 1 || talk[0].GetAccountId() != pairwiseOf("A1") ||
		talk[0].GetConversations()[0].GetTopic() != "••••••••••••0002" || got[1].GetConversation().GetRelease().GetDisclosureId() == "" {
		t.Errorf("heard %v", got[1])
	}
	if w.recorded() != 3 {
		t.Errorf("%d are on record", w.recorded())
	}
}

func TestWhatIsSaidUnderOneConsentReachesNoOtherPartner(t *testing.T) {
	w := newEventWorld(t)
	mine, theirs := w.letTalk("messenger", "A1"), w.letTalk("wallet", "A1")
	overview := w.give("wallet", "A1") // which shares no conversations
	w.say(
		w.wrote(1, mine, mine, "mine"), w.wrote(2, theirs, theirs, "theirs"),
		// A feed that mistook one for the other would not be enough.
		w.wrote(3, theirs, mine, "theirs, as if it were mine"), w.wrote(4, mine, theirs, "mine, as if it were theirs"),
		w.wrote(5, overview, overview, "nobody's"), w.wrote(6, "", mine, "of no consent"), w.wrote(7, mine, mine, "mine again"),
	)
	var got []string
	for _, e := range w.heard("messenger") {
		got = append(got, textOf(e))
	}
	if want := []string{"mine", "mine again"}; !slices.Equal(got, want) {
		t.Errorf("the messenger heard %q, want %q", got, want)
	}
	others := w.heard("wallet")
	if len(others) != 1 || others[0].GetConsentId() != string(theirs) || others[0].GetMessage().GetAccounts()[0].GetMessages()[0].GetText() != "theirs" {
		t.Errorf("the wallet heard %v", others)
	}
}

func TestARevokeBeforeAMessageIsDeliveredWins(t *testing.T) {
	w := newEventWorld(t)
	ended, live := w.letTalk("messenger", "A1"), w.letTalk("messenger", "A1")
	w.say(w.wrote(1, ended, ended, "too late"), w.wrote(2, live, live, "in time"))
	w.revoke(ended)
	if got := w.heard("messenger"); len(got) != 1 || textOf(got[0]) != "in time" {
		t.Errorf("heard %v", got)
	}
	w.dropped(feed.ConversationMessage, "CONSENT_REVOKED")
	w.say(w.wrote(3, ended, ended, "after the end"))
	if got := w.heard("messenger"); len(got) != 0 || w.recorded() != 1 {
		t.Errorf("heard %v after the end; %d are on record", got, w.recorded())
	}
}
