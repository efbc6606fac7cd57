package bankapi_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/feed"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

func written(change func(*datav1.Message)) *datav1.Message {
	m := &datav1.Message{MessageId: "m1", ConversationId: "c1", ConsentId: "con_1", Author: datav1.Author_AUTHOR_AGENT, Text: "Hello"}
	if change != nil {
		change(m)
	}
	return m
}

func talk(change func(*datav1.Conversation)) *datav1.Conversation {
	c := &datav1.Conversation{ConversationId: "c1", ConsentId: "con_1", Status: datav1.ConversationStatus_CONVERSATION_STATUS_OPEN}
	if change != nil {
		change(c)
	}
	return c
}

func message(account string, sequence int64, change func(*datav1.Message)) *bankv1.FeedEvent {
	return event(account, sequence, &bankv1.FeedEvent_ConversationMessage{ConversationMessage: written(change)})
}

func TestWhatABankWritesIsOfTheConsentItNamesAndAsItWouldBeListed(t *testing.T) {
	w := open(t)
	out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{
		message("A1", 1, nil),
		event("A1", 2, &bankv1.FeedEvent_ConversationChanged{ConversationChanged: talk(func(c *datav1.Conversation) { c.ConsentId = "con_2" })}),
	}})
	if err != nil || len(out.GetRejections()) != 0 || out.GetPositions()[0].GetSequence() != 2 {
		t.Fatalf("PublishBatch = %v, %v", out, err)
	}
	want := []struct {
		kind    feed.Kind
		consent consent.ID
		answer  proto.Message
	}{
		{feed.ConversationMessage, "con_1", &bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{
			{AccountId: "A1", Messages: []*datav1.Message{written(nil)}},
		}}},
		{feed.ConversationChanged, "con_2", &bankv1.ListConversationsResponse{Accounts: []*datav1.AccountConversations{
			{AccountId: "A1", Conversations: []*datav1.Conversation{talk(func(c *datav1.Conversation) { c.ConsentId = "con_2" })}},
		}}},
	}
	if len(w.commits) != 1 || len(w.commits[0]) != len(want) {
		t.Fatalf("took %v", w.commits)
	}
	for i, e := range w.commits[0] {
		got := want[i].answer.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(e.Answer, got); err != nil {
			t.Fatal(err)
		}
		if e.Kind != want[i].kind || e.Consent != want[i].consent || !proto.Equal(got, want[i].answer) || e.Day != consent.NoDay {
			t.Errorf("took %+v with %v, want %+v", e, got, want[i])
		}
	}
}

func TestWhatNoConversationCanHaveIsRejectedByField(t *testing.T) {
	w := open(t)
	file := &datav1.Attachment{Name: "a.pdf", MediaType: "application/pdf", SizeBytes: 1, Sha256: strings.Repeat("a", 64), Url: "https://bank.example/a"}
	plain := proto.CloneOf(file)
	plain.Url = "http://bank.example/a"
	for name, c := range map[string]struct {
		change func(*datav1.Message)
		field  string
	}{
		"no consent":      {func(m *datav1.Message) { m.ConsentId = "" }, "conversation_message.consent_id"},
		"no id":           {func(m *datav1.Message) { m.MessageId = "" }, "conversation_message.message_id"},
		"no conversation": {func(m *datav1.Message) { m.ConversationId = "" }, "conversation_message.conversation_id"},
		"no author":       {func(m *datav1.Message) { m.Author = 0 }, "conversation_message.author"},
		"too long":        {func(m *datav1.Message) { m.Text = strings.Repeat("x", 4001) }, "conversation_message.text"},
		"not over https":  {func(m *datav1.Message) { m.Attachments = []*datav1.Attachment{plain} }, "conversation_message.attachments[0].url"},
		"too many files": {func(m *datav1.Message) {
			m.Attachments = []*datav1.Attachment{file, file, file, file, file, file}
		}, "conversation_message.attachments"},
	} {
		out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{message("A1", 1, c.change)}})
		if err != nil || len(out.GetRejections()) != 1 || out.GetRejections()[0].GetField() != c.field {
			t.Errorf("%s: %v, %v, want %s", name, out, err, c.field)
		}
	}
	out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{
		event("A1", 1, &bankv1.FeedEvent_ConversationChanged{ConversationChanged: talk(func(c *datav1.Conversation) { c.ConsentId = "" })}),
	}})
	if err != nil || len(out.GetRejections()) != 1 || out.GetRejections()[0].GetField() != "conversation_changed.consent_id" {
		t.Errorf("a conversation of no consent: %v, %v", out, err)
	}
}

func TestTheLongestMessageThatTheContractAllowsIsTaken(t *testing.T) {
	w := open(t)
	long := message("A1", 1, func(m *datav1.Message) {
		m.Text, m.AuthorName = strings.Repeat("💬", 4000), strings.Repeat("💬", 60)
		for range 5 {
			m.Attachments = append(m.Attachments, &datav1.Attachment{
				Name: strings.Repeat("💬", 120), MediaType: "application/pdf", SizeBytes: 10 << 20, Sha256: strings.Repeat("a", 64),
				Url: "https://bank.example/" + strings.Repeat("x", 1024-len("https://bank.example/")),
			})
		}
	})
	out, err := w.morava().PublishBatch(t.Context(), &bankv1.PublishBatchRequest{Events: []*bankv1.FeedEvent{long}})
	if err != nil || len(out.GetRejections()) != 0 {
		t.Errorf("%v, %v", out, err)
	}
}
