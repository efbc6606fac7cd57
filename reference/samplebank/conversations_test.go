package samplebank

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

const bySelf = datav1.ConversationEnd_CONVERSATION_END_CUSTOMER

func toParty(partner, consent, customer string, accounts ...string) *bankv1.Party {
	return &bankv1.Party{Subject: &bankv1.Subject{CustomerId: customer, AccountIds: accounts}, PartnerId: partner, ConsentId: consent}
}

// ours is the party of most tests; the bank is morava.
func ours() *bankv1.Party { return toParty("messenger", "consent-1", "9593", "A7753") }

func begun(t testing.TB, b *Bank, p *bankv1.Party, client, text string) *datav1.Conversation {
	t.Helper()
	got, err := b.StartConversation(context.Background(), &bankv1.StartConversationRequest{Party: p, ClientId: client, Topic: "a topic", Text: text})
	if err != nil || len(got.GetAccounts()) != 1 || len(got.GetAccounts()[0].GetConversations()) != 1 {
		t.Fatalf("StartConversation = %v, %v", got, err)
	}
	return got.GetAccounts()[0].GetConversations()[0]
}

func said(t testing.TB, b *Bank, p *bankv1.Party, id string) []*datav1.Message {
	t.Helper()
	got, err := b.ListMessages(context.Background(), &bankv1.ListMessagesRequest{Party: p, ConversationId: id, PageSize: 100})
	if err != nil || len(got.GetAccounts()) != 1 {
		t.Fatalf("ListMessages = %v, %v", got, err)
	}
	return got.GetAccounts()[0].GetMessages()
}

func TestAProgramGreetsAndAPersonIsWaitedFor(t *testing.T) {
	b, _ := clocked(t)
	c := begun(t, b, ours(), "m1", "Where is my card?")
	if c.GetConsentId() != "consent-1" || c.GetStatus() != datav1.ConversationStatus_CONVERSATION_STATUS_OPEN || c.GetTopic() != "a topic" {
		t.Errorf("%v", c)
	}
	got := said(t, b, ours(), c.GetConversationId())
	if len(got) != 2 || got[0].GetAuthor() != datav1.Author_AUTHOR_CUSTOMER || got[0].GetClientId() != "m1" || got[0].GetAuthorName() != "" ||
		got[1].GetAuthor() != datav1.Author_AUTHOR_BOT || got[1].GetText() != botGreeting || got[1].GetAuthorName() != botName {
		t.Errorf("%v", got)
	}
	if !slices.IsSortedFunc(got, func(x, y *datav1.Message) int { return strings.Compare(x.GetMessageId(), y.GetMessageId()) }) {
		t.Errorf("ids do not sort: %v", got)
	}
	if kept, _, _ := b.talks.one(c.GetConversationId()); kept.waitingSince != b.now() {
		t.Errorf("nobody waits: %v", kept.waitingSince)
	}
}

func TestTheProgramAnswersOnlyWhatItKnows(t *testing.T) {
	for text, want := range map[string]string{
		"What are your OPENING HOURS?":       "8:00 to 18:00",
		"Koks jūsų darbo laikas":             "8:00 to 18:00",
		"are you a robot":                    "I am a program",
		"Who reads this?":                    "bank keeps it",
		"my shop's opening hoursman is late": "",
		"Where is my money?":                 "",
	} {
		c := &conversation{id: "c"}
		c.add(&datav1.Message{}, time.Time{})
		c.add(&datav1.Message{}, time.Time{})
		got := botAnswer(c, text)
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", text, got)
		}
		if c.answered = time.Unix(1, 0); botAnswer(c, text) != "" {
			t.Errorf("%q: the program talks between people", text)
		}
	}
}

func TestAConversationIsAnsweredToNoOther(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	b.talks.learn("consent-1", standing{inForce, []string{"A7753", "C1005"}}, b.now())
	for name, p := range map[string]*bankv1.Party{
		"another partner":  toParty("wallet", "consent-1", "9593", "A7753"),
		"another consent":  toParty("messenger", "consent-2", "9593", "A7753"),
		"another account":  toParty("messenger", "consent-1", "9593", "C1005"),
		"another customer": toParty("messenger", "consent-1", otherCustomer(t, b), otherAccount(t, b)),
	} {
		ctx := t.Context()
		_, e1 := b.SendMessage(ctx, &bankv1.SendMessageRequest{Party: p, ConversationId: id, ClientId: "m2", Text: "hi"})
		_, e2 := b.MarkConversation(ctx, &bankv1.MarkConversationRequest{Party: p, ConversationId: id, Typing: true})
		_, e3 := b.CloseConversation(ctx, &bankv1.CloseConversationRequest{Party: p, ConversationId: id})
		_, e4 := b.ListMessages(ctx, &bankv1.ListMessagesRequest{Party: p, ConversationId: id})
		for i, err := range []error{e1, e2, e3, e4} {
			if status.Code(err) != codes.NotFound {
				t.Errorf("%s, call %d: %v", name, i+1, err)
			}
		}
		got, err := b.ListConversations(ctx, &bankv1.ListConversationsRequest{Party: p})
		if err != nil || len(got.GetAccounts()) != 1 || len(got.GetAccounts()[0].GetConversations()) != 0 {
			t.Errorf("%s lists %v, %v", name, got, err)
		}
	}
	if got := said(t, b, ours(), id); len(got) != 2 {
		t.Errorf("others wrote: %v", got)
	}
}

func otherCustomer(t *testing.T, b *Bank) string {
	t.Helper()
	return b.data.accounts[otherAccount(t, b)].holders[0].customer
}

func otherAccount(t *testing.T, b *Bank) string {
	t.Helper()
	for _, id := range []string{"A1", "A5", "A9", "A13", "A17", "A21", "A25", "A29", "A33"} {
		if a := b.data.accounts[id]; a != nil && a.bank == b.bank {
			return id
		}
	}
	t.Fatal("the bank has no other account")
	return ""
}

func TestACallThatIsNotAsTheContractSaysKeepsNothing(t *testing.T) {
	b, _ := clocked(t)
	good := &datav1.Attachment{Name: "bill.pdf", MediaType: "application/pdf", SizeBytes: 1, Sha256: strings.Repeat("a", 64), Url: "https://files.test/1"}
	for name, c := range map[string]struct {
		r    *bankv1.StartConversationRequest
		want codes.Code
	}{
		"no party":          {&bankv1.StartConversationRequest{ClientId: "m1", Text: "x"}, codes.InvalidArgument},
		"no words":          {&bankv1.StartConversationRequest{Party: ours(), ClientId: "m1"}, codes.InvalidArgument},
		"no name":           {&bankv1.StartConversationRequest{Party: ours(), Text: "x"}, codes.InvalidArgument},
		"too many words":    {&bankv1.StartConversationRequest{Party: ours(), ClientId: "m1", Text: strings.Repeat("ž", 4001)}, codes.InvalidArgument},
		"two accounts":      {&bankv1.StartConversationRequest{Party: toParty("p", "c", "9593", "A7753", "C1005"), ClientId: "m1", Text: "x"}, codes.InvalidArgument},
		"no account":        {&bankv1.StartConversationRequest{Party: toParty("p", "c", "9593"), ClientId: "m1", Text: "x"}, codes.InvalidArgument},
		"an executable":     {&bankv1.StartConversationRequest{Party: ours(), ClientId: "m1", Text: "x", Attachments: []*datav1.Attachment{{Name: "a", MediaType: "text/html", SizeBytes: 1, Sha256: good.Sha256, Url: good.Url}}}, codes.InvalidArgument},
		"not over https":    {&bankv1.StartConversationRequest{Party: ours(), ClientId: "m1", Text: "x", Attachments: []*datav1.Attachment{{Name: "a", MediaType: good.MediaType, SizeBytes: 1, Sha256: good.Sha256, Url: "http://a/"}}}, codes.InvalidArgument},
		"with a good file":  {&bankv1.StartConversationRequest{Party: ours(), ClientId: "m1", Text: "x", Attachments: []*datav1.Attachment{good}}, codes.OK},
		"4000 characters":   {&bankv1.StartConversationRequest{Party: ours(), ClientId: "m2", Text: strings.Repeat("ž", 4000)}, codes.OK},
		"nobody's account":  {&bankv1.StartConversationRequest{Party: toParty("p", "c", "9593", "C70"), ClientId: "m1", Text: "x"}, codes.OK},
		"an unknown client": {&bankv1.StartConversationRequest{Party: toParty("p", "c", "x", "A7753"), ClientId: "m1", Text: "x"}, codes.OK},
	} {
		got, err := b.StartConversation(t.Context(), c.r)
		if status.Code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if name == "nobody's account" && (len(got.GetAccounts()) != 0 || len(got.GetFailures()) != 1) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(b.talks.byID) != 2 {
		t.Errorf("%d conversations are kept, want 2", len(b.talks.byID))
	}
}

func TestAClosedConversationTakesNothingMore(t *testing.T) {
	b, at := clocked(t)
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	closing := &bankv1.CloseConversationRequest{Party: ours(), ConversationId: id}
	first, err := b.CloseConversation(t.Context(), closing)
	if err != nil || first.GetAccounts()[0].GetConversations()[0].GetEndedBy() != bySelf {
		t.Fatalf("%v, %v", first, err)
	}
	*at = at.Add(time.Hour)
	if again, err := b.CloseConversation(t.Context(), closing); err != nil || cmp.Diff(first, again, protocmp.Transform()) != "" {
		t.Errorf("closing twice: %v, %v", again, err)
	}
	if _, err := b.SendMessage(t.Context(), &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: "m2", Text: "x"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("SendMessage: %v", err)
	}
	if _, err := b.MarkConversation(t.Context(), &bankv1.MarkConversationRequest{Party: ours(), ConversationId: id, Typing: true}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("MarkConversation: %v", err)
	}
	if err := b.talks.reply(id, "Jana", "x", b.now()); !errors.Is(err, errClosed) {
		t.Errorf("an agent's reply: %v", err)
	}
	got, err := b.ListConversations(t.Context(), &bankv1.ListConversationsRequest{Party: ours(), OpenOnly: true})
	if err != nil || len(got.GetAccounts()[0].GetConversations()) != 0 {
		t.Errorf("it is open: %v, %v", got, err)
	}
	if again := begun(t, b, ours(), "m1", "hello"); again.GetConversationId() != id {
		t.Errorf("the first message again began %v", again)
	}
}

func TestMessagesAreReadPageByPageIntoThePast(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m0", "hello").GetConversationId()
	for i := range 7 {
		if _, err := b.SendMessage(t.Context(), &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: fmt.Sprint("m", i+1), Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	all := said(t, b, ours(), id)
	var read []*datav1.Message
	for before := ""; ; before = read[0].GetMessageId() {
		got, err := b.ListMessages(t.Context(), &bankv1.ListMessagesRequest{Party: ours(), ConversationId: id, PageSize: 2, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		page := got.GetAccounts()[0].GetMessages()
		if len(page) == 0 {
			break
		}
		read = append(page, read...)
	}
	if diff := cmp.Diff(all, read, protocmp.Transform()); diff != "" || len(all) != 9 {
		t.Errorf("%d messages (-all +by page):\n%s", len(all), diff)
	}
	if _, err := b.ListMessages(t.Context(), &bankv1.ListMessagesRequest{Party: ours(), ConversationId: id, Before: "x"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("before no message: %v", err)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	b, _ := clocked(t)
	var err error
	for i := 0; err == nil && i < maxOfConsent+1; i++ {
		_, err = b.talks.start(party{"p", "c", "9593", "A7753"}, "", words{client: fmt.Sprint(i), text: "x"}, b.now())
	}
	if !errors.Is(err, errFull) || len(b.talks.byID) != maxOfConsent {
		t.Errorf("%d conversations of one consent, %v", len(b.talks.byID), err)
	}
	id := begun(t, b, ours(), "first", "x").GetConversationId()
	err = nil
	for i := 0; err == nil && i < maxMessages+1; i++ {
		_, err = b.SendMessage(t.Context(), &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: fmt.Sprint("m", i), Text: "opening hours"})
	}
	if got, _, _ := b.talks.one(id); !errors.Is(err, errFull) || len(got.messages) > maxMessages {
		t.Errorf("%d messages, %v", len(got.messages), err)
	}
}

// Whoever is answered with earlier words believes that his own were taken.
func TestOtherWordsUnderANameThatWasTakenAreRefused(t *testing.T) {
	b, _ := clocked(t)
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	first := &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: "m2", Text: "more"}
	if _, err := b.SendMessage(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	file := []*datav1.Attachment{{Name: "a.pdf", MediaType: "application/pdf", SizeBytes: 1, Sha256: strings.Repeat("0", 64), Url: "https://m.example/a"}}
	for name, tell := range map[string]func() error{
		"another beginning": func() error {
			_, err := b.StartConversation(t.Context(), &bankv1.StartConversationRequest{Party: ours(), ClientId: "m1", Topic: "a topic", Text: "good-bye"})
			return err
		},
		"another topic": func() error {
			_, err := b.StartConversation(t.Context(), &bankv1.StartConversationRequest{Party: ours(), ClientId: "m1", Topic: "other", Text: "hello"})
			return err
		},
		"another text": func() error {
			_, err := b.SendMessage(t.Context(), &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: "m2", Text: "less"})
			return err
		},
		"a file more": func() error {
			_, err := b.SendMessage(t.Context(), &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: "m2", Text: "more", Attachments: file})
			return err
		},
	} {
		if err := tell(); status.Code(err) != codes.AlreadyExists {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.SendMessage(t.Context(), first); err != nil {
		t.Errorf("the same words again: %v", err)
	}
}

// However often and in whatever order a gateway tells things again, the bank has
// each of them once, and answers the same.
func TestEveryMessageIsTakenOnce(t *testing.T) {
	data := load(t)
	rapid.Check(t, func(r *rapid.T) {
		b, err := New(data, "morava", func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
		if err != nil {
			r.Fatal(err)
		}
		ctx := context.Background()
		began := map[string]string{} // conversation by client id
		sent := map[string]*datav1.Message{}
		closed := map[string]bool{}
		client := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		some := func(r *rapid.T) string {
			if len(began) == 0 {
				r.Skip("nothing to talk in")
			}
			ids := slices.Sorted(func(yield func(string) bool) {
				for _, id := range began {
					if !yield(id) {
						return
					}
				}
			})
			return rapid.SampledFrom(ids).Draw(r, "conversation")
		}
		r.Repeat(map[string]func(*rapid.T){
			"start": func(r *rapid.T) {
				name := client.Draw(r, "client")
				got, err := b.StartConversation(ctx, &bankv1.StartConversationRequest{Party: ours(), ClientId: name, Text: "hello"})
				switch {
				case sent[name] != nil:
					if status.Code(err) != codes.AlreadyExists {
						r.Fatalf("the name of a message: %v, %v", got, err)
					}
				case err != nil:
					r.Fatal(err)
				default:
					id := got.GetAccounts()[0].GetConversations()[0].GetConversationId()
					if had, again := began[name]; again && had != id {
						r.Fatalf("%s began %s and %s", name, had, id)
					}
					began[name] = id
				}
			},
			"send": func(r *rapid.T) {
				id, name := some(r), client.Draw(r, "client")
				got, err := b.SendMessage(ctx, &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: name, Text: "more"})
				had := sent[name]
				switch {
				case began[name] != "" || had != nil && had.GetConversationId() != id:
					if status.Code(err) != codes.AlreadyExists {
						r.Fatalf("the name of another message: %v, %v", got, err)
					}
				case had != nil:
					if diff := cmp.Diff(had, got.GetAccounts()[0].GetMessages()[0], protocmp.Transform()); err != nil || diff != "" {
						r.Fatalf("sent again: %v\n%s", err, diff)
					}
				case closed[id]:
					if status.Code(err) != codes.FailedPrecondition {
						r.Fatalf("sent into a closed one: %v, %v", got, err)
					}
				case err != nil:
					r.Fatal(err)
				default:
					sent[name] = got.GetAccounts()[0].GetMessages()[0]
				}
			},
			"close": func(r *rapid.T) {
				id := some(r)
				if _, err := b.CloseConversation(ctx, &bankv1.CloseConversationRequest{Party: ours(), ConversationId: id}); err != nil {
					r.Fatal(err)
				}
				closed[id] = true
			},
			"": func(r *rapid.T) {
				customers := 0
				for id, c := range b.talks.byID {
					for i, m := range c.messages {
						if m.GetAuthor() == datav1.Author_AUTHOR_CUSTOMER {
							customers++
						}
						if i > 0 && m.GetMessageId() <= c.messages[i-1].GetMessageId() || m.GetConversationId() != id {
							r.Fatalf("message %d is %v", i, m)
						}
					}
					if closed[id] == c.ended.IsZero() {
						r.Fatalf("%s: closed is %t", id, closed[id])
					}
				}
				if customers != len(began)+len(sent) || len(b.talks.byID) != len(began) {
					r.Fatalf("%d messages in %d conversations, want %d in %d", customers, len(b.talks.byID), len(began)+len(sent), len(began))
				}
			},
		})
	})
}

func TestTheConversationThatEndedFirstMakesRoom(t *testing.T) {
	b, at := clocked(t)
	closing := func(p *bankv1.Party, id string) {
		if _, err := b.CloseConversation(t.Context(), &bankv1.CloseConversationRequest{Party: p, ConversationId: id}); err != nil {
			t.Fatal(err)
		}
		*at = at.Add(time.Second)
	}
	first, second := begun(t, b, ours(), "m1", "x").GetConversationId(), begun(t, b, ours(), "m2", "x").GetConversationId()
	closing(ours(), second)
	closing(ours(), first)
	for i := range maxConversations - 2 {
		id := fmt.Sprint("open", i)
		b.talks.byID[id] = &conversation{id: id}
	}
	third := begun(t, b, ours(), "m3", "x").GetConversationId()
	if b.talks.byID[second] != nil || b.talks.byID[first] == nil || b.talks.byID[third] == nil || len(b.talks.byID) != maxConversations {
		t.Errorf("%d are kept", len(b.talks.byID))
	}
	begun(t, b, ours(), "m4", "x")
	if _, err := b.StartConversation(t.Context(), &bankv1.StartConversationRequest{Party: ours(), ClientId: "m5", Text: "x"}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("with %d open ones: %v", len(b.talks.byID), err)
	}
}
