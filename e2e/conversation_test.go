package e2e

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	talking  = datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS
	saidKind = partnerv1.EventKind_EVENT_KIND_CONVERSATION_MESSAGE
	aCard    = "4000 0000 0000 0002"
	masked   = "•••• •••• •••• 0002"
)

// desk is an agent at a sample bank's desk, which is a process of its own.
type desk struct {
	h      *house
	url    string
	client *http.Client
}

// serveDesk runs a sample bank with a desk, registers it, and lets Jana sit down.
func (h *house) serveDesk(id string) *desk {
	h.t.Helper()
	process := exec.Command(program, "samplebank", id, "--data", h.dir, "--gateway", h.address, "--desk-listen", "127.0.0.1:0")
	out, err := process.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	var lines [2]string
	for i, r := 0, bufio.NewReader(out); i < len(lines); i++ {
		line, err := r.ReadString('\n')
		if err != nil {
			h.t.Fatal(err)
		}
		lines[i] = strings.TrimSpace(line)
	}
	ops := operatorv1.NewRegistryServiceClient(h.dial(authn.Operator, "ops"))
	if _, err := ops.RegisterBank(h.ctx(), &operatorv1.RegisterBankRequest{BankId: id, DisplayName: id, Address: lines[0]}); err != nil {
		h.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	d := &desk{h: h, url: lines[1], client: &http.Client{
		Jar: jar, Timeout: callTimeout, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.ca.Roots()}},
	}}
	h.t.Cleanup(d.client.CloseIdleConnections)
	if status, _ := d.post("/sign-in", url.Values{"agent": {"Jana"}}); status != http.StatusOK {
		h.t.Fatalf("the desk's door answers %d", status)
	}
	return d
}

func (d *desk) post(path string, form url.Values) (int, string) {
	d.h.t.Helper()
	return d.read(d.client.PostForm(d.url+path, form))
}

func (d *desk) get(path string) string {
	d.h.t.Helper()
	_, page := d.read(d.client.Get(d.url + path))
	return page
}

func (d *desk) read(answer *http.Response, err error) (int, string) {
	d.h.t.Helper()
	if err != nil {
		d.h.t.Fatal(err)
	}
	defer answer.Body.Close()
	var page strings.Builder
	if _, err := bufio.NewReader(answer.Body).WriteTo(&page); err != nil {
		d.h.t.Fatal(err)
	}
	return answer.StatusCode, page.String()
}

// reply answers as an agent, as soon as the bank knows that it may.
func (d *desk) reply(conversation, text string) {
	d.h.t.Helper()
	var status int
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if status, _ = d.post("/conversations/"+conversation+"/reply", url.Values{"text": {text}}); status == http.StatusOK {
			return
		}
	}
	d.h.t.Fatalf("the desk answers %d", status)
}

// talk makes a customer of odra talk with the bank through a partner.
func (h *house) talk(partner string) (id, account string) {
	h.t.Helper()
	asks := partnerv1.NewConsentServiceClient(h.dial(authn.Partner, partner))
	asked, err := asks.RequestConsent(h.ctx(), &partnerv1.RequestConsentRequest{BankId: "odra", Terms: &consentv1.Terms{
		Clusters: clusters(talking), Purpose: consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE, PurposeText: "Talk with your bank",
		ValidUntil: timestamppb.New(time.Now().AddDate(0, 3, 0)), UnattendedPerDay: 4,
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	id = asked.GetConsent().GetConsentId()
	if _, err := customerv1.NewConsentServiceClient(h.dial(authn.Bank, "odra")).AuthorizeConsent(h.ctx(), &customerv1.AuthorizeConsentRequest{
		CustomerId: "3687", ConsentId: id, Shares: []*consentv1.Share{{AccountId: "C577", Clusters: clusters(talking)}},
	}); err != nil {
		h.t.Fatal(err)
	}
	c, err := asks.GetConsent(h.ctx(), &partnerv1.GetConsentRequest{ConsentId: id})
	if err != nil {
		h.t.Fatal(err)
	}
	return id, c.GetConsent().GetShares()[0].GetAccountId()
}

func serving(id string) *partnerv1.Access {
	a := access(id)
	a.Purpose = consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE
	return a
}

// hears receives the next message from the bank.
func (s *subscription) hears() *datav1.Message {
	s.h.t.Helper()
	e := s.next(saidKind)
	accounts := e.GetMessage().GetAccounts()
	if len(accounts) != 1 || len(accounts[0].GetMessages()) != 1 || e.GetMessage().GetRelease().GetDisclosureId() == "" {
		s.h.t.Fatalf("heard %v", e)
	}
	return accounts[0].GetMessages()[0]
}

var startedID = regexp.MustCompile(`acc_\S+\s+(\S+)\s+OPEN`)

// With processes as they are in earnest: a customer writes, the bank's program and
// then its agent answer, and all of it ends with the consent.
func TestACustomerTalksWithTheBankUntilTheConsentEnds(t *testing.T) {
	h := open(t)
	d := h.serveDesk("odra")
	id, account := h.talk("messenger")
	s := h.subscribe(10)
	door := partnerv1.NewConversationServiceClient(h.dial(authn.Partner, "messenger"))

	out, err := exec.Command(program, "conversation", "start", "My card "+aCard+" was refused.", "--data", h.dir, "--consent", id,
		"--account", account, "--topic", "Card "+aCard).CombinedOutput()
	found := startedID.FindStringSubmatch(string(out))
	if err != nil || found == nil || !strings.Contains(string(out), masked) || strings.Contains(string(out), aCard) {
		t.Fatalf("sluice conversation start: %v\n%s", err, out)
	}
	conversation := found[1]
	if m := s.hears(); m.GetAuthor() != datav1.Author_AUTHOR_BOT || m.GetConversationId() != conversation || m.GetConsentId() != id {
		t.Errorf("first heard %v, want the bank's program", m)
	}
	if page := d.get("/conversations/" + conversation); !strings.Contains(page, masked) || strings.Contains(page, aCard) {
		t.Errorf("the bank does not see the number as it is to:\n%s", page)
	}
	d.reply(conversation, "Hello, it is "+aCard+", is it not?")
	m := s.hears()
	if m.GetAuthor() != datav1.Author_AUTHOR_AGENT || m.GetAuthorName() != "Jana" || m.GetText() != "Hello, it is "+masked+", is it not?" {
		t.Errorf("heard %v, want Jana with the number masked", m)
	}
	say := &partnerv1.SendMessageRequest{Access: serving(id), AccountId: account, ConversationId: conversation, ClientId: "m2", Text: "Yes."}
	for range 2 {
		if got, err := door.SendMessage(h.ctx(), say); err != nil || got.GetAccounts()[0].GetMessages()[0].GetText() != "Yes." {
			t.Fatalf("SendMessage = %v, %v", got, err)
		}
	}
	list := &partnerv1.ListMessagesRequest{Access: serving(id), AccountId: account, ConversationId: conversation}
	got, err := door.ListMessages(h.ctx(), list)
	if err != nil || len(got.GetAccounts()) != 1 {
		t.Fatalf("ListMessages = %v, %v", got, err)
	}
	var authors []datav1.Author
	for _, m := range got.GetAccounts()[0].GetMessages() {
		authors = append(authors, m.GetAuthor())
	}
	if want := []datav1.Author{datav1.Author_AUTHOR_CUSTOMER, datav1.Author_AUTHOR_BOT, datav1.Author_AUTHOR_AGENT, datav1.Author_AUTHOR_CUSTOMER}; !slices.Equal(authors, want) {
		t.Errorf("wrote %v, want %v", authors, want)
	}
	h.nobodyElseTalks(id, account, conversation)

	if _, err := customerv1.NewConsentServiceClient(h.dial(authn.Bank, "odra")).RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: "3687", ConsentId: id}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"SendMessage":  func() error { _, err := door.SendMessage(h.ctx(), say); return err },
		"ListMessages": func() error { _, err := door.ListMessages(h.ctx(), list); return err },
		"CloseConversation": func() error {
			_, err := door.CloseConversation(h.ctx(), &partnerv1.CloseConversationRequest{Access: serving(id), AccountId: account, ConversationId: conversation})
			return err
		},
	} {
		if err := call(); reason(err) != "CONSENT_REVOKED" {
			t.Errorf("%s after the revoke: %v", name, err)
		}
	}
	d.closesFor(conversation)
}

// nobodyElseTalks holds that neither another consent of the same account nor a
// partner who knows all names reaches the conversation, or hears of it.
func (h *house) nobodyElseTalks(id, account, conversation string) {
	h.t.Helper()
	other, otherAccount := h.talk("wallet")
	wallet := partnerv1.NewConversationServiceClient(h.dial(authn.Partner, "wallet"))
	if _, err := wallet.ListMessages(h.ctx(), &partnerv1.ListMessagesRequest{Access: serving(other), AccountId: otherAccount, ConversationId: conversation}); reason(err) != "INVALID_REQUEST" {
		h.t.Errorf("a conversation of another consent: %v", err)
	}
	if _, err := wallet.ListMessages(h.ctx(), &partnerv1.ListMessagesRequest{Access: serving(id), AccountId: account, ConversationId: conversation}); reason(err) != "CONSENT_NOT_FOUND" {
		h.t.Errorf("a consent of another partner: %v", err)
	}
	got, err := wallet.ListConversations(h.ctx(), &partnerv1.ListConversationsRequest{Access: serving(other)})
	if err != nil || len(got.GetAccounts()) > 1 || len(got.GetAccounts()) == 1 && len(got.GetAccounts()[0].GetConversations()) != 0 {
		h.t.Errorf("the other partner lists %v, %v", got, err)
	}
	events, err := partnerv1.NewEventServiceClient(h.dial(authn.Partner, "wallet")).PullEvents(h.ctx(), &partnerv1.PullEventsRequest{MaxEvents: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range events.GetEvents() {
		if e.GetMessage() != nil || e.GetConversation() != nil {
			h.t.Errorf("the other partner heard %v", e)
		}
	}
}

// closesFor waits until the bank, too, has ended the conversation.
func (d *desk) closesFor(conversation string) {
	d.h.t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(d.get("/conversations/"+conversation), "The conversation has ended.") {
			if status, _ := d.post("/conversations/"+conversation+"/reply", url.Values{"text": {"Still there?"}}); status != http.StatusConflict {
				d.h.t.Errorf("the desk answers %d to a reply after the end", status)
			}
			return
		}
	}
	d.h.t.Error("the bank never ended the conversation")
}

// A bank may be scripted to publish what it should not: a revoke wins over what
// was published before it, and one consent's words reach no other.
func TestARevokeWinsOverAMessageThatWaits(t *testing.T) {
	h := open(t)
	answering(h)
	h.agreeAt(bankID, customerID, "A1", balances) // another consent of the same account
	ask := func() string {
		id := h.request(clusters(talking), func(terms *consentv1.Terms) { terms.Purpose = consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE })
		h.authorize(id, clusters(talking), "A1")
		return id
	}
	ended, live := ask(), ask()
	written := func(sequence int64, id, text string) *bankv1.FeedEvent {
		return &bankv1.FeedEvent{AccountId: "A1", Sequence: sequence, OccurredAt: timestamppb.Now(), What: &bankv1.FeedEvent_ConversationMessage{
			ConversationMessage: &datav1.Message{MessageId: text, ConversationId: "c", ConsentId: id, Author: datav1.Author_AUTHOR_AGENT, Text: text},
		}}
	}
	h.publish(written(1, ended, "first"), written(2, live, "second"), written(3, "con_nobody", "third"), written(4, live, "fourth"))
	if _, err := h.customer().RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: customerID, ConsentId: ended}); err != nil {
		t.Fatal(err)
	}
	s := h.subscribe(10)
	for _, want := range []string{"second", "fourth"} { // in one lane: nothing else was between
		if m := s.hears(); m.GetText() != want || m.GetConsentId() != live {
			t.Errorf("heard %v, want %q of %s", m, want, live)
		}
	}
}
