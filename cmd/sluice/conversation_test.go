package main

import (
	"strings"
	"testing"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func TestWhatABankWritesIsALineThatSteersNoTerminal(t *testing.T) {
	got := eventLine(&partnerv1.Event{
		ConsentId: "con_1", Kind: partnerv1.EventKind_EVENT_KIND_CONVERSATION_MESSAGE,
		Message: &partnerv1.MessageEvent{Accounts: []*datav1.AccountMessages{{AccountId: "acc_1", Messages: []*datav1.Message{{
			ConversationId: "c1", Author: datav1.Author_AUTHOR_AGENT, AuthorName: "Jana", Text: "Hello\n\x1b[2Jthere",
		}}}}},
	})
	for _, want := range []string{"con_1", "CONVERSATION_MESSAGE", "acc_1", "c1", "AGENT Jana", "Hello", "there"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if strings.ContainsAny(got, "\n\x1b") {
		t.Errorf("%q steers the terminal", got)
	}
}

func TestConversationsAreCalledForTheirOwnPurposeUnlessItIsSaid(t *testing.T) {
	for more, want := range map[string]string{"": "CUSTOMER_SERVICE", "--purpose=ACCOUNT_OVERVIEW": "ACCOUNT_OVERVIEW"} {
		var p program
		args := strings.Fields("conversation start Hello --consent con_1 --account acc_1 " + more)
		if _, err := newParser(&p).Parse(args); err != nil {
			t.Fatal(err)
		}
		c := p.Conversation.Start
		a := c.access()
		if shortName(a.GetPurpose()) != want || a.GetAttendance() != partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT || a.GetConsentId() != "con_1" {
			t.Errorf("%q calls with %v", more, a)
		}
		if first, second := c.clientID(), c.clientID(); first == second || len(first) < 20 {
			t.Errorf("messages are called %q and %q", first, second)
		}
	}
}
