package samplebank

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

const byConsent = datav1.ConversationEnd_CONVERSATION_END_CONSENT

// consents is a gateway's ConsentService, as far as a bank reads it.
type consents struct {
	bankv1.ConsentServiceClient

	mu      sync.Mutex
	byID    map[string]*consentv1.Consent
	events  []*consentv1.ConsentEvent
	lookups int
	fail    error // of GetConsent
}

func newConsents(all ...*consentv1.Consent) *consents {
	k := &consents{byID: map[string]*consentv1.Consent{}}
	for _, c := range all {
		k.put(c)
	}
	return k
}

func (k *consents) put(c *consentv1.Consent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byID[c.GetConsentId()] = c
	k.events = append(k.events, &consentv1.ConsentEvent{ConsentId: c.GetConsentId()})
}

func (k *consents) ListConsentEvents(_ context.Context, r *bankv1.ListConsentEventsRequest, _ ...grpc.CallOption) (*bankv1.ListConsentEventsResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	from, _ := strconv.Atoi(r.GetCursor())
	to := min(len(k.events), from+int(r.GetPageSize()))
	return &bankv1.ListConsentEventsResponse{Events: k.events[from:to], Cursor: strconv.Itoa(to)}, nil
}

func (k *consents) GetConsent(_ context.Context, r *bankv1.GetConsentRequest, _ ...grpc.CallOption) (*bankv1.GetConsentResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lookups++
	if c := k.byID[r.GetConsentId()]; c != nil && k.fail == nil {
		return &bankv1.GetConsentResponse{Consent: c}, nil
	}
	return nil, errors.Join(k.fail, status.Error(codes.NotFound, "no such consent"))
}

func (k *consents) ListConsents(_ context.Context, r *bankv1.ListConsentsRequest, _ ...grpc.CallOption) (*bankv1.ListConsentsResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := &bankv1.ListConsentsResponse{}
	for _, c := range k.byID {
		out.Consents = append(out.Consents, c)
	}
	if r.GetPageToken() == "" {
		out.NextPageToken = "more"
	}
	return out, k.fail
}

// agreed is the consent of ours, as it stands.
func agreed(s consentv1.ConsentStatus, clusters ...datav1.DataCluster) *consentv1.Consent {
	return &consentv1.Consent{
		ConsentId: "consent-1", PartnerId: "messenger", BankId: "morava", CustomerId: "9593", Status: s,
		Asked:  &consentv1.Terms{Purpose: consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE, PurposeText: "To talk with your bank"},
		Shares: []*consentv1.Share{{AccountId: "A7753", Clusters: clusters}},
	}
}

const (
	active  = consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE
	talking = datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS
	balance = datav1.DataCluster_DATA_CLUSTER_BALANCES
)

// followed is a bank that has looked once at where consents stand.
func followed(t *testing.T, b *Bank, k *consents) *follower {
	t.Helper()
	f := &follower{bank: b, client: k}
	if err := f.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestABankWritesOnlyUnderAConsentThatIsInForce(t *testing.T) {
	for name, c := range map[string]struct {
		then *consentv1.Consent
		want error
		ends bool
	}{
		"in force":       {agreed(active, talking, balance), nil, false},
		"paused":         {agreed(consentv1.ConsentStatus_CONSENT_STATUS_PAUSED, talking), errHeld, false},
		"suspended":      {agreed(consentv1.ConsentStatus_CONSENT_STATUS_SUSPENDED, talking), errHeld, false},
		"narrowed":       {agreed(active, balance), errClosed, true},
		"paused, less":   {agreed(consentv1.ConsentStatus_CONSENT_STATUS_PAUSED, balance), errClosed, true},
		"being revoked":  {agreed(consentv1.ConsentStatus_CONSENT_STATUS_REVOKING, talking), errClosed, true},
		"revoked":        {agreed(consentv1.ConsentStatus_CONSENT_STATUS_REVOKED, talking), errClosed, true},
		"expired":        {agreed(consentv1.ConsentStatus_CONSENT_STATUS_EXPIRED, talking), errClosed, true},
		"superseded":     {agreed(consentv1.ConsentStatus_CONSENT_STATUS_SUPERSEDED, talking), errClosed, true},
		"nobody knows":   {agreed(consentv1.ConsentStatus_CONSENT_STATUS_UNSPECIFIED, talking), errClosed, true},
		"another number": {&consentv1.Consent{ConsentId: "consent-1", Status: active, Shares: []*consentv1.Share{{AccountId: "C1005", Clusters: []datav1.DataCluster{talking}}}}, errClosed, true},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := clocked(t)
			k := newConsents(agreed(active, talking))
			id := begun(t, b, ours(), "m1", "hello").GetConversationId()
			if err := b.talks.reply(id, "Jana", "too early", b.now()); !errors.Is(err, errUnknown) {
				t.Fatalf("before anything is known: %v", err)
			}
			f := followed(t, b, k)
			if err := b.talks.reply(id, "Jana", "Good day", b.now()); err != nil {
				t.Fatal(err)
			}
			k.put(c.then)
			if err := f.look(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := b.talks.reply(id, "Jana", "Still there?", b.now())
			if got, _, _ := b.talks.one(id); !errors.Is(err, c.want) || c.ends != (got.endedBy == byConsent) {
				t.Errorf("reply: %v; ended by %v", err, got.endedBy)
			}
			if err := b.talks.writes(id, b.now()); !errors.Is(err, c.want) {
				t.Errorf("typing: %v", err)
			}
			left := 0
			for e, _ := b.talks.next(); e != nil; e, _ = b.talks.next() {
				left++
			}
			if c.ends && left != 0 {
				t.Errorf("%d events of an ended consent are left to publish", left)
			}
			_, err = b.SendMessage(t.Context(), &bankv1.SendMessageRequest{Party: ours(), ConversationId: id, ClientId: "m2", Text: "x"})
			if (status.Code(err) == codes.FailedPrecondition) != c.ends {
				t.Errorf("the customer's next message: %v", err)
			}
			_, err = b.StartConversation(t.Context(), &bankv1.StartConversationRequest{Party: ours(), ClientId: "m3", Text: "x"})
			if (status.Code(err) == codes.FailedPrecondition) != c.ends {
				t.Errorf("the next conversation: %v", err)
			}
		})
	}
}

func TestAConversationThatBeginsBehindTheEndOfItsConsentIsEnded(t *testing.T) {
	b, _ := clocked(t)
	k := newConsents(agreed(consentv1.ConsentStatus_CONSENT_STATUS_REVOKED, talking))
	f := followed(t, b, k)
	if k.lookups != 0 {
		t.Errorf("%d consents that nobody talks under were looked up", k.lookups)
	}
	id := begun(t, b, ours(), "m1", "on its way when it was revoked").GetConversationId()
	if err := f.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := b.talks.one(id); got.endedBy != byConsent {
		t.Errorf("ended by %v", got.endedBy)
	}
}

func TestWhatChangedAndCannotBeLookedUpIsNotKnown(t *testing.T) {
	b, _ := clocked(t)
	k := newConsents(agreed(active, talking))
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	f := followed(t, b, k)
	k.put(agreed(consentv1.ConsentStatus_CONSENT_STATUS_REVOKED, talking))
	k.fail = status.Error(codes.Unavailable, "away")
	if err := f.look(t.Context()); err == nil {
		t.Fatal("nothing went wrong")
	}
	if err := b.talks.reply(id, "Jana", "x", b.now()); !errors.Is(err, errUnknown) {
		t.Errorf("reply: %v", err)
	}
	k.fail = nil
	if err := f.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := b.talks.one(id); got.endedBy != byConsent {
		t.Errorf("ended by %v", got.endedBy)
	}
}

func TestFollowingGoesOnAfterFailuresAndEndsWithItsContext(t *testing.T) {
	b, _ := clocked(t)
	k := newConsents(agreed(active, talking))
	k.fail = status.Error(codes.Unavailable, "away")
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	ctx, stop := context.WithCancel(t.Context())
	failures, waits := 0, 0
	err := b.FollowConsents(ctx, FollowerConfig{
		Client: k, Failed: func(error) { failures++ },
		Wait: func(ctx context.Context, d time.Duration) error {
			if waits++; waits == 2 {
				k.fail = nil
			}
			if waits == 4 {
				stop()
			}
			if d != time.Second {
				t.Errorf("waits %v", d)
			}
			return ctx.Err()
		},
	})
	if _, mayNot, _ := b.talks.one(id); err != nil || failures != 2 || mayNot != nil {
		t.Errorf("%v, %d failures, then %v", err, failures, mayNot)
	}
}

// talked runs Talk until the test ends.
func talked(t *testing.T, b *Bank, p *Publisher) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Talk(ctx, p) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("talk: %v", err)
		}
	})
}

// drained waits until all that was to be published is durable.
func drained(t *testing.T, b *Bank, g *feedGateway, account string, want int) []*bankv1.FeedEvent {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		g.mu.Lock()
		got := g.durable[account]
		g.mu.Unlock()
		if len(got) >= want {
			return got
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d events of %s are durable, want %d", len(got), account, want)
		}
	}
}

func TestWhatTheBankWritesIsPublishedInTheAccountsSequence(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	p := publisher(t, PublisherConfig{Client: g.client(t)})
	if err := b.Replay(t.Context(), p, Replay{Accounts: []string{"A7753"}, Days: 30}); err != nil {
		t.Fatal(err)
	}
	if err := settled(t, p); err != nil {
		t.Fatal(err)
	}
	before := len(g.durable["A7753"])
	talked(t, b, p)
	id := begun(t, b, ours(), "m1", "hello").GetConversationId()
	followed(t, b, newConsents(agreed(active, talking)))
	for _, err := range []error{
		b.talks.read(id, b.now()),
		b.talks.read(id, b.now()), // nothing new: not published
		b.talks.writes(id, b.now()),
		b.talks.writes(id, b.now()), // it is known
		b.talks.reply(id, "Jana", "Good day", b.now()),
		b.talks.closeByBank(id, b.now()),
		b.talks.closeByBank(id, b.now()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := drained(t, b, g, "A7753", before+5)[before:]
	inOrder(t, g, "A7753", before+5)
	if m := got[0].GetConversationMessage(); m.GetAuthor() != datav1.Author_AUTHOR_BOT || m.GetConsentId() != "consent-1" {
		t.Errorf("%v", m)
	}
	if c := got[1].GetConversationChanged(); c.GetReadUpTo() == "" || c.GetTypingUntil() != nil {
		t.Errorf("%v", c)
	}
	if c := got[2].GetConversationChanged(); !c.GetTypingUntil().AsTime().After(b.now()) {
		t.Errorf("%v", c)
	}
	if m := got[3].GetConversationMessage(); m.GetAuthor() != datav1.Author_AUTHOR_AGENT || m.GetAuthorName() != "Jana" || m.GetText() != "Good day" {
		t.Errorf("%v", m)
	}
	if c := got[4].GetConversationChanged(); c.GetEndedBy() != datav1.ConversationEnd_CONVERSATION_END_BANK || c.GetTypingUntil() != nil {
		t.Errorf("%v", c)
	}
}

func TestABankThatForgotEverythingUsesNoNumberTwice(t *testing.T) {
	data, g := load(t), newFeedGateway()
	for life := range 3 {
		b := open(t, data, "morava")
		p := publisher(t, PublisherConfig{Client: g.client(t)})
		talked(t, b, p)
		begun(t, b, ours(), fmt.Sprint("m", life), "hello")
		drained(t, b, g, "A7753", life+1)
	}
	inOrder(t, g, "A7753", 3)
	seen := map[string]bool{}
	for _, e := range g.durable["A7753"] {
		if id := e.GetConversationMessage().GetMessageId(); seen[id] {
			t.Errorf("%s is published twice", id)
		} else {
			seen[id] = true
		}
	}
}

func TestAnAgentsAlertIsPublishedListedAndAnswered(t *testing.T) {
	b, g := open(t, load(t), "morava"), newFeedGateway()
	p := publisher(t, PublisherConfig{Client: g.client(t)})
	talked(t, b, p)
	payments := b.payments(b.data.accounts["C1005"])
	before := len(listed(t, b, "C1005"))
	raised := ""
	for _, x := range payments {
		if !x.Asked {
			raised = x.ID
			break
		}
	}
	alert, err := b.raise("C1005", raised, "", "Jana")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.raise("C1005", raised, "", "Jana"); !errors.Is(err, errAlertBefore) {
		t.Errorf("raised twice: %v", err)
	}
	for name, account := range map[string]string{"another account": "A7753", "another bank": "A4", "no account": "x"} {
		if _, err := b.raise(account, raised, "", "Jana"); !errors.Is(err, errNoPayment) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got := drained(t, b, g, "C1005", 1)[0].GetFraudAlertRaised()
	if got.GetAlertId() != alert.GetAlertId() || got.GetTransactionId() != raised || got.GetAmount().GetUnits() < 0 || len(got.GetChoices()) != 3 {
		t.Errorf("%v", got)
	}
	if now := listed(t, b, "C1005"); len(now) != before+1 {
		t.Errorf("%d alerts are listed, had %d", len(now), before)
	}
	if now, code := answered(t, b, "a1", "C1005", alert.GetAlertId(), notMe); code != codes.OK || now != datav1.AlertStatus_ALERT_STATUS_ANSWERED {
		t.Errorf("answer: %v, %v", now, code)
	}
}
