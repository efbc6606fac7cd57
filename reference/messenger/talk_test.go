package messenger_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func (g *gateway) says(consent, text string) *partnerv1.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.write(g.conversations[0], datav1.Author_AUTHOR_AGENT, text, "")
	return &partnerv1.Event{
		Kind: partnerv1.EventKind_EVENT_KIND_CONVERSATION_MESSAGE, ConsentId: consent, Message: &partnerv1.MessageEvent{Accounts: ofMessage(m)},
	}
}

func (g *gateway) changed(consent string, change func(*datav1.Conversation)) *partnerv1.Event {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := proto.CloneOf(g.conversations[0])
	change(c)
	g.conversations[0] = c
	return &partnerv1.Event{
		Kind: partnerv1.EventKind_EVENT_KIND_CONVERSATION_CHANGED, ConsentId: consent,
		Conversation: &partnerv1.ConversationEvent{Accounts: ofConversation(c)},
	}
}

func TestACustomerTalksToHisBank(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	talk := "/talk/" + consent
	w.get(talk).must(t, "Nothing has been said yet", "Name of acc_savings ****5399")
	w.post(talk, "client_id", "c1", "text", "My card is gone.\nPlease help.").must(t, "My card is gone.\nPlease help.", "sent", "Close this conversation")
	if c := w.g.conversations[0]; c.GetTopic() != "My card is gone." {
		t.Errorf("it is about %q", c.GetTopic())
	}
	w.g.deliver(w.g.says(consent, "I block it now."))
	w.get("/").must(t, `<span class="new">new</span>`)
	w.get(talk).must(t, "I block it now.", "Anna")
	w.get("/").mustNot(t, `<span class="new">new</span>`)
	if m := w.g.marks; len(m) != 1 || m[0].GetReadUpTo() != "m002" || m[0].GetTyping() {
		t.Errorf("the bank was told %v", m)
	}
	w.post(talk+"/mark", "typing", "1")
	if m := w.g.marks; len(m) != 2 || !m[1].GetTyping() {
		t.Errorf("the bank was told %v", m)
	}
	w.post(talk, "client_id", "c2", "text", "Thank you").must(t, "Thank you")
	w.g.deliver(w.g.changed(consent, func(c *datav1.Conversation) {
		c.ReadUpTo, c.TypingUntil = "m003", timestamppb.New(w.g.now.Add(5*time.Second))
	}))
	w.get(talk).must(t, "Somebody at Morava is writing", `data-again="5000"`, "read")
	w.g.pass(5 * time.Second)
	w.get(talk).mustNot(t, "is writing")
	w.post(talk+"/close").must(t, "You closed this conversation.", "a new conversation begins")
	w.post(talk, "client_id", "c3", "text", "One more thing")
	if len(w.g.conversations) != 2 {
		t.Errorf("there are %d conversations", len(w.g.conversations))
	}
}

func TestAMessageThatDidNotArriveIsKeptInTheFormAndTakenOnce(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	talk := "/talk/" + consent
	w.post(talk, "client_id", "c1", "text", "Hello")
	w.g.unready["SendMessage"] = refused("BANK_UNAVAILABLE", codes.Unavailable)
	failed := w.post(talk, "client_id", "c2", "text", "Are you there?")
	failed.must(t, "Morava does not answer just now", `value="c2"`, ">Are you there?</textarea>")
	w.post(talk, "client_id", "c2", "text", "Are you there?")
	w.post(talk, "client_id", "c2", "text", "Are you there?")
	if len(w.g.messages) != 2 {
		t.Errorf("the bank has %v", w.g.messages)
	}
}

// A bank that has other words under the name would refuse these for ever.
func TestWhatTheBankDoesNotTakeGetsAnotherName(t *testing.T) {
	w := newWorld(t)
	talk := "/talk/" + w.connect("morava", "service")
	w.post(talk, "client_id", "c1", "text", "Hello")
	w.g.unready["SendMessage"] = refused("CHANGE_NOT_POSSIBLE", codes.FailedPrecondition)
	failed := w.post(talk, "client_id", "c2", "text", "Other words")
	failed.must(t, ">Other words</textarea>", `name="client_id" value="`)
	failed.mustNot(t, `value="c2"`)
}

// The answer to a beginning may be lost, and the conversation come by itself before it
// is sent again.
func TestABeginningThatArrivedIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	talk := "/talk/" + w.connect("morava", "service")
	w.post(talk, "client_id", "c1", "text", "Hello")
	w.g.began = func(method string) {
		if method == "SendMessage" || method == "StartConversation" {
			t.Errorf("it is sent again by %s", method)
		}
	}
	w.post(talk, "client_id", "c1", "text", "Hello").must(t, "Hello", "></textarea>")
}

// Messages' names sort within their conversation, and say nothing across.
func TestASecondConversationIsReadFromItsBeginning(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	talk := "/talk/" + consent
	answered := func(client, name string) {
		w.post(talk, "client_id", client, "text", "Hello")
		w.g.mu.Lock()
		m := w.g.write(w.g.conversations[len(w.g.conversations)-1], datav1.Author_AUTHOR_AGENT, "Yes?", "")
		m.MessageId = name
		w.g.mu.Unlock()
		w.g.deliver(&partnerv1.Event{
			Kind: partnerv1.EventKind_EVENT_KIND_CONVERSATION_MESSAGE, ConsentId: consent, Message: &partnerv1.MessageEvent{Accounts: ofMessage(m)},
		})
		w.get("/").must(t, `<span class="new">new</span>`)
		w.get(talk)
		w.get("/").mustNot(t, `<span class="new">new</span>`)
		if got := w.g.marks[len(w.g.marks)-1].GetReadUpTo(); got != name {
			t.Errorf("the bank was told that %q is read, not %q", got, name)
		}
	}
	answered("c1", "z1")
	w.post(talk + "/close")
	w.g.pass(time.Minute)
	answered("c2", "a1")
}

func TestAConversationEndsWithItsConsent(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	talk := "/talk/" + consent
	w.post(talk, "client_id", "c1", "text", "My secret worry")
	w.g.tell(w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_REVOKED), consentv1.ChangeKind_CHANGE_KIND_REVOKE)
	page := w.get(talk)
	page.must(t, "This conversation is closed: you do not share with Morava any more.")
	page.mustNot(t, "My secret worry", "<textarea")
	w.get("/holds").mustNot(t, "A message")
	sent := len(w.g.messages)
	w.post(talk, "client_id", "c2", "text", "Still there?")
	if len(w.g.messages) != sent {
		t.Error("something was sent under a consent that ended")
	}
}

func TestNoConversationIsShownThatIsNotShared(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	talk := "/talk/" + consent
	w.post(talk, "client_id", "c1", "text", "My secret worry")
	c := w.g.change(consent, consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE, func(c *consentv1.Consent) {
		for _, s := range c.GetShares() {
			s.Clusters = []datav1.DataCluster{datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC, datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS}
		}
	})
	w.g.tell(c, consentv1.ChangeKind_CHANGE_KIND_NARROW)
	page := w.get(talk)
	page.must(t, "You do not share conversations with Morava.")
	page.mustNot(t, "My secret worry")
}

func TestAnEndIsAnEndWhateverComesLate(t *testing.T) {
	w := newWorld(t)
	consent := w.connect("morava", "service")
	w.run()
	w.post("/talk/"+consent, "client_id", "c1", "text", "Hello")
	open := w.g.changed(consent, func(*datav1.Conversation) {})
	w.g.deliver(w.g.changed(consent, func(c *datav1.Conversation) {
		c.Status, c.EndedBy = datav1.ConversationStatus_CONVERSATION_STATUS_CLOSED, datav1.ConversationEnd_CONVERSATION_END_BANK
	}))
	w.g.deliver(open)
	w.get("/talk/"+consent).must(t, "The bank closed this conversation.")
}

func TestWhatOthersWroteIsShownAsText(t *testing.T) {
	w := newWorld(t)
	const bad = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	w.g.balances = append(w.g.balances, balanceOf(account1, 1))
	w.g.alerts = []*datav1.FraudAlert{w.g.question("W1")}
	w.g.alerts[0].Text, w.g.alerts[0].Merchant = bad, bad
	w.g.transactions = []*datav1.Transaction{purchase("1", bad, bad, -1, w.g.now)}
	w.connect("morava", "money")
	consent := w.connect("morava", "service")
	w.run()
	w.post("/ask", "text", bad)
	w.post("/ask", "text", "show my last card payments")
	w.post("/ask", "text", "what did I spend this month?")
	w.post("/talk/"+consent, "client_id", bad, "text", bad)
	e := w.g.says(consent, bad)
	e.Message.Accounts[0].Messages[0].AuthorName = bad
	e.Message.Accounts[0].Messages[0].Attachments = []*datav1.Attachment{{Name: bad, Url: "javascript:alert(1)", MediaType: "image/png", SizeBytes: 5}}
	w.g.deliver(e)
	for _, path := range []string{"/", "/talk/" + consent, "/share", "/holds", "/connect"} {
		page := w.get(path)
		page.mustNot(t, "<script>alert", "<img", "javascript:alert")
		if path != "/connect" && path != "/share" && path != "/holds" && !strings.Contains(page.text, "&lt;script&gt;alert(1)") {
			t.Errorf("%s does not show it at all", path)
		}
	}
}
