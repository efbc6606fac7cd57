package e2e

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func (h *house) feeds() bankv1.FeedServiceClient {
	return bankv1.NewFeedServiceClient(h.dial(authn.Bank, bankID))
}

// booked is a transaction that was posted today.
func booked(account string, sequence int64, id string) *bankv1.FeedEvent {
	y, m, d := time.Now().UTC().Date()
	return &bankv1.FeedEvent{
		AccountId: account, Sequence: sequence, OccurredAt: timestamppb.Now(),
		What: &bankv1.FeedEvent_TransactionPosted{TransactionPosted: &datav1.Transaction{
			TransactionId: id, Status: datav1.TransactionStatus_TRANSACTION_STATUS_POSTED,
			BookingDate: &date.Date{Year: int32(y), Month: int32(m), Day: int32(d)},
			Amount:      &money.Money{CurrencyCode: "CZK", Units: -250}, Description: "Bakery",
		}},
	}
}

func (h *house) publish(events ...*bankv1.FeedEvent) *bankv1.PublishBatchResponse {
	h.t.Helper()
	out, err := h.feeds().PublishBatch(h.ctx(), &bankv1.PublishBatchRequest{Events: events})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(out.GetRejections()) != 0 {
		h.t.Fatalf("rejected: %v", out.GetRejections())
	}
	return out
}

// subscription is messenger's stream.
type subscription struct {
	h      *house
	stream partnerv1.EventService_SubscribeClient
	leave  context.CancelFunc
}

func (h *house) subscribe(credits int32) *subscription {
	h.t.Helper()
	ctx, leave := context.WithTimeout(context.Background(), 2*callTimeout)
	h.t.Cleanup(leave)
	stream, err := partnerv1.NewEventServiceClient(h.dial(authn.Partner, "messenger")).Subscribe(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := stream.Send(&partnerv1.SubscribeRequest{Credits: credits}); err != nil {
		h.t.Fatal(err)
	}
	return &subscription{h: h, stream: stream, leave: leave}
}

// next receives until an event of the kind comes, and acknowledges all.
func (s *subscription) next(kind partnerv1.EventKind) *partnerv1.Event {
	s.h.t.Helper()
	for {
		m, err := s.stream.Recv()
		if err != nil {
			s.h.t.Fatalf("waiting for %s: %v", kind, err)
		}
		var found *partnerv1.Event
		done := &partnerv1.SubscribeRequest{Credits: int32(len(m.GetEvents()))}
		for _, e := range m.GetEvents() {
			done.Acknowledgements = append(done.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
			if e.GetKind() == kind {
				found = e
			}
		}
		if err := s.stream.Send(done); err != nil {
			s.h.t.Fatal(err)
		}
		if found != nil {
			return found
		}
	}
}

func TestAnEventIsPublishedDeliveredAcknowledgedAndOnRecord(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(transactionsBasic), "A1")
	s := h.subscribe(10)
	if p := h.publish(booked("A1", 1, "t1"), booked("A2", 1, "t2")).GetPositions(); len(p) != 2 || p[0].GetSequence() != 1 {
		t.Errorf("positions = %v", p)
	}
	event := s.next(partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED)
	accounts := event.GetTransaction().GetAccounts()
	if len(accounts) != 1 || accounts[0].GetAccountId() != h.pairwise(id)[0] || event.GetConsentId() != id || event.GetRedelivered() {
		t.Fatalf("event = %v", event)
	}
	if tx := accounts[0].GetTransactions()[0]; tx.GetTransactionId() != "t1" || tx.GetAmount().GetUnits() != -250 || tx.GetDescription() != "" {
		t.Errorf("transaction = %v, want its basics alone", tx)
	}
	got := h.disclosures(id)
	if len(got) != 1 || got[0].GetDisclosureId() != event.GetTransaction().GetRelease().GetDisclosureId() ||
		got[0].GetMethod() != "sluice.partner.v1.EventService/Subscribe" || !slices.Equal(got[0].GetAccountIds(), []string{"A1"}) || got[0].GetItems() != 1 {
		t.Errorf("on record: %v", got)
	}
	// Resent, it is delivered no second time: the next to come is the next.
	h.publish(booked("A1", 1, "t1"), booked("A1", 2, "t3"))
	if again := s.next(partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED); again.GetTransaction().GetAccounts()[0].GetTransactions()[0].GetTransactionId() != "t3" {
		t.Errorf("next = %v, want t3", again)
	}
}

func TestARevokeBetweenPublishingAndDeliveryLeavesNothingToDeliver(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(transactionsBasic), "A1")
	h.publish(booked("A1", 1, "t1"))
	if _, err := h.customer().RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: customerID, ConsentId: id}); err != nil {
		t.Fatal(err)
	}
	other := h.agree(clusters(transactionsBasic), "A2")
	h.publish(booked("A2", 1, "t2"))
	var told []string
	pull := partnerv1.NewEventServiceClient(h.dial(authn.Partner, "messenger"))
	for deadline := time.Now().Add(callTimeout); time.Now().Before(deadline) && len(told) == 0; {
		out, err := pull.PullEvents(h.ctx(), &partnerv1.PullEventsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		done := &partnerv1.AcknowledgeEventsRequest{}
		for _, e := range out.GetEvents() {
			done.Acknowledgements = append(done.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
			if e.GetKind() == partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED {
				told = append(told, e.GetConsentId())
			}
		}
		if len(done.GetAcknowledgements()) > 0 {
			if _, err := pull.AcknowledgeEvents(h.ctx(), done); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(told, []string{other}) {
		t.Errorf("delivered under %v, want %s alone", told, other)
	}
	if got := h.disclosures(id); len(got) != 0 {
		t.Errorf("disclosures of the revoked consent: %v", got)
	}
}

func TestEventsSurviveTheGatewayBeingKilled(t *testing.T) {
	h := open(t)
	answering(h)
	h.agree(clusters(transactionsBasic), "A1")
	h.publish(booked("A1", 1, "t1"))
	h.stop(syscall.SIGKILL)
	h.start()
	event := h.subscribe(10).next(partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED)
	if got := event.GetTransaction().GetAccounts()[0].GetTransactions()[0].GetTransactionId(); got != "t1" {
		t.Errorf("delivered %s, want t1", got)
	}
	at, err := h.feeds().GetFeedPosition(h.ctx(), &bankv1.GetFeedPositionRequest{AccountIds: []string{"A1", "A9"}})
	if err != nil || len(at.GetPositions()) != 2 || at.GetPositions()[0].GetSequence() != 1 || at.GetPositions()[1].GetSequence() != 0 {
		t.Errorf("positions = %v, %v", at, err)
	}
}

func TestAClosedAccountLeavesItsConsents(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(transactionsBasic), "A1", "A2")
	h.publish(&bankv1.FeedEvent{
		AccountId: "A1", Sequence: 1, OccurredAt: timestamppb.Now(), What: &bankv1.FeedEvent_AccountClosed{AccountClosed: &bankv1.AccountClosed{}},
	})
	if got := h.pairwise(id); len(got) != 1 {
		t.Errorf("the consent has %d accounts, want the other alone", len(got))
	}
	s := h.subscribe(10)
	if changed := s.next(partnerv1.EventKind_EVENT_KIND_ACCOUNT_LEFT); changed.GetAccountLeft().GetAccountId() == "" || changed.GetConsentId() != id {
		t.Errorf("event = %v", changed)
	}
}

func TestNothingIsPushedThatTheCustomerWantsReadOnlyInPerson(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(transactionsBasic)
	present := h.request(kinds, func(terms *consentv1.Terms) { terms.UnattendedPerDay = 0 })
	h.authorize(present, kinds, "A1")
	away := h.agree(kinds, "A2")
	h.publish(booked("A1", 1, "t1"), booked("A2", 1, "t2"))
	if got := h.subscribe(10).next(partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED); got.GetConsentId() != away {
		t.Errorf("delivered %v", got)
	}
	if got := h.disclosures(present); len(got) != 0 {
		t.Errorf("disclosures: %v", got)
	}
}
