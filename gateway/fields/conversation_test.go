package fields_test

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice/consent"
	"sluice/gateway/fields"
	"sluice/gateway/masking"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

const (
	cardNumber = "4111 1111 1111 1111"
	iban       = "CZ65 0800 0000 1920 0014 5399"
)

func message(id, of, text string) *datav1.Message {
	return &datav1.Message{
		MessageId: id, ConversationId: "t1", ConsentId: of, Author: datav1.Author_AUTHOR_AGENT, AuthorName: text, Text: text,
		Attachments: []*datav1.Attachment{{Name: text + ".pdf", MediaType: "application/pdf", SizeBytes: 7, Url: "https://bank.example/f/1"}},
	}
}

func conversing() fields.Permit {
	p := permit(consent.Conversations)
	p.Consent = "con_1"
	return p
}

func said(messages ...*datav1.Message) *bankv1.ListMessagesResponse {
	return &bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{{AccountId: "A1", Messages: messages}}}
}

func TestMessagesOfAnotherConsentOrOfNoneNeverLeave(t *testing.T) {
	answer := said(message("m1", "con_2", "another's"), message("m2", "con_1", "mine"), message("m3", "", "nobody's"), message("m4", "con_12", "longer"))
	got, shown := kept(t, answer, conversing())
	if n := len(got.GetAccounts()[0].GetMessages()); n != 1 || got.GetAccounts()[0].GetMessages()[0].GetText() != "mine" {
		t.Errorf("kept %v", got)
	}
	if diff := cmp.Diff(fields.Dropped{Foreign: 3}, shown.Dropped()); diff != "" || shown.Items() != 1 {
		t.Errorf("%d items, dropped (-want +got):\n%s", shown.Items(), diff)
	}
}

func TestAPermitOfNoConsentShowsNoMessages(t *testing.T) {
	for _, of := range []string{"", "con_1"} {
		p := conversing()
		p.Consent = ""
		got, shown := kept(t, said(message("m1", of, "secret")), p)
		if shown.Items() != 0 || strings.Contains(string(shown.Bytes()), "secret") {
			t.Errorf("of %q: kept %v", of, got)
		}
	}
}

// Protobuf reads the last of a field that stands twice. Neither what is judged
// nor what leaves is another.
func TestTheLastConsentOfAMessageIsItsOwnAndTheOnlyOneThatLeaves(t *testing.T) {
	twice := func(first, second string) []byte {
		item := encode(t, message("m1", first, "text"))
		item = protowire.AppendString(protowire.AppendTag(item, 3, protowire.BytesType), second)
		entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "A1")
		entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), item)
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), entry)
	}
	if _, shown := keptOf(t, said(), twice("con_1", "con_2"), conversing()); shown.Items() != 0 || strings.Contains(string(shown.Bytes()), "con_") {
		t.Errorf("kept %q", shown.Bytes())
	}
	if _, shown := keptOf(t, said(), twice("con_2", "con_1"), conversing()); shown.Items() != 1 || strings.Contains(string(shown.Bytes()), "con_2") {
		t.Errorf("kept %q", shown.Bytes())
	}
}

func TestWhatPeopleWroteLeavesMaskedUnlessTheBankLetsItPass(t *testing.T) {
	text := "card " + cardNumber + ", account " + iban
	for _, tt := range []struct {
		pass       masking.Pass
		card, acct bool // whether they are to be read
		masked     int
	}{
		{0, false, false, 6},
		{masking.AccountNumbers, false, true, 3},
		{masking.CardNumbers | masking.AccountNumbers, true, true, 0},
	} {
		p := conversing()
		p.Pass = tt.pass
		got, shown := kept(t, said(message("m1", "con_1", text)), p)
		m := got.GetAccounts()[0].GetMessages()[0]
		for _, s := range []string{m.GetText(), m.GetAuthorName(), m.GetAttachments()[0].GetName()} {
			if strings.Contains(s, cardNumber) != tt.card || strings.Contains(s, iban) != tt.acct {
				t.Errorf("passes %d: %q", tt.pass, s)
			}
		}
		if shown.Masked() != tt.masked {
			t.Errorf("passes %d: %d masked, want %d", tt.pass, shown.Masked(), tt.masked)
		}
	}
}

// An agent may write it, and so go round what holds for messages.
func TestABanksSentenceInAnAlertLeavesMasked(t *testing.T) {
	answer := &bankv1.ListAlertsResponse{Accounts: []*datav1.AccountAlerts{{
		AccountId: "A1", Alerts: []*datav1.FraudAlert{{AlertId: "W1", Text: "Was this you? Card " + cardNumber}},
	}}}
	got, _ := kept(t, answer, permit(consent.FraudAlerts))
	if text := got.GetAccounts()[0].GetAlerts()[0].GetText(); !strings.HasPrefix(text, "Was this you?") || strings.Contains(text, cardNumber) {
		t.Errorf("text = %q", text)
	}
}

func TestConversationsLeaveWholeButForTheirTopic(t *testing.T) {
	c := &datav1.Conversation{ConversationId: "t1", ConsentId: "con_1", Status: datav1.ConversationStatus_CONVERSATION_STATUS_OPEN, Topic: "lost " + cardNumber, ReadUpTo: "m1"}
	answer := &bankv1.ListConversationsResponse{Accounts: []*datav1.AccountConversations{{AccountId: "A1", Conversations: []*datav1.Conversation{c}}}}
	got, _ := kept(t, answer, conversing())
	c.Topic, _ = masking.Text(c.GetTopic(), 0)
	answer.Accounts[0].AccountId = "pairwise-of-the-first"
	if diff := cmp.Diff(answer, got, protocmp.Transform()); diff != "" || strings.Contains(c.GetTopic(), cardNumber) {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// The time that masking takes grows with the square of a text's length.
func TestWhatPeopleWroteIsNoLongerThanTheContractSays(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		good bool
	}{
		{"the longest", strings.Repeat("ž", 4000), true},
		{"a letter longer", strings.Repeat("ž", 4001), false},
		{"as long as an answer may be", strings.Repeat("pin 1234 ", 400_000), false},
	} {
		_, err := kinds(t)[6].table.Keep(nil, encode(t, said(message("m1", "con_1", "short"), &datav1.Message{ConsentId: "con_1", Text: tt.text})), conversing())
		if (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestTheLongestTextOfTheContractIsTheLongestThatIsMasked(t *testing.T) {
	var longest uint64
	var look func(m protoreflect.MessageDescriptor)
	look = func(m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if written, _ := proto.GetExtension(f.Options(), datav1.E_ChatText).(bool); written {
				rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
				if rules.GetString().GetMaxLen() == 0 {
					t.Errorf("%s may be of any length", f.FullName())
				}
				longest = max(longest, rules.GetString().GetMaxLen())
			}
			if f.Message() != nil {
				look(f.Message())
			}
		}
	}
	for _, m := range []proto.Message{&datav1.Message{}, &datav1.Conversation{}} {
		look(m.ProtoReflect().Descriptor())
	}
	if longest != fields.MaxChatText {
		t.Errorf("a text may have %d characters, and %d are masked", longest, fields.MaxChatText)
	}
}

func TestTextThatIsNoneIsRefused(t *testing.T) {
	k := kinds(t)[6]
	item := protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), "con_1")
	item = protowire.AppendBytes(protowire.AppendTag(item, 6, protowire.BytesType), []byte{0xff})
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "A1")
	entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), item)
	if _, err := k.table.Keep(nil, protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), entry), conversing()); err == nil {
		t.Error("text that is not UTF-8 was kept")
	}
}
