package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/samplebank"
)

// The people and days of the chapter about feeds: a card of another customer at
// another bank, and two days of it. On the first a purchase looks like fraud.
const (
	tellingBank     = "odra"
	tellingCustomer = "4915"
	tellingCard     = "C747"

	tellingDays = 7 // the newest, from the day of the suspicion
	tellingOn   = 4 // without the newest so many: the day after
	tellingWait = 10 * time.Second
	nothingWait = 300 * time.Millisecond // how long nothing must come
)

// telling is what the chapter about feeds works with.
type telling struct {
	bank     *sampleFeed
	customer customerv1.ConsentServiceClient
	events   partnerv1.EventServiceClient
	alerts   partnerv1.AlertServiceClient

	stream  eventStream
	came    chan *partnerv1.Event
	done    []*partnerv1.Acknowledgement
	consent string
	account string // the card, as messenger knows it
	alert   *datav1.FraudAlert
}

// newTelling works with the bank that publishes.
func newTelling(target tourTarget, messenger *grpc.ClientConn) *telling {
	return &telling{
		bank: target.teller, customer: customerv1.NewConsentServiceClient(target.teller.conn),
		events: partnerv1.NewEventServiceClient(messenger), alerts: partnerv1.NewAlertServiceClient(messenger),
		came: make(chan *partnerv1.Event),
	}
}

func (t *tour) feeds() {
	t.chapter("What the bank tells")
	before := false
	t.step("The bank asks how far it has published", func() (said string, err error) {
		before, said, err = t.publishedBefore()
		return said, err
	})
	if before {
		return
	}
	t.step("A customer shares a card's transactions and alerts, not its balance", t.shareCard)
	t.step("Messenger opens one stream, for all its customers", t.subscribe)
	t.step("The bank publishes a day of the card", t.publishDay)
	t.step("Messenger gets what was given: no balance, no details, and an alert", t.receive)
	t.step("The customer taps \"It was me\"; Messenger carries it to the bank", t.answerAlert)
	t.step("The bank has it", t.answerAtBank)
	t.step("A second, other answer", t.refused("CHANGE_NOT_POSSIBLE", func() error {
		_, err := t.answerWith(datav1.AlertChoice_ALERT_CHOICE_NOT_ME)
		return err
	}))
	t.step("The bank publishes on; the customer takes it back before Messenger reads", t.takeBackUnread)
	t.step("Messenger reads on", t.readOn)
}

// publishedBefore says whether the day was published already, to a data directory
// that stayed: no day is published twice.
func (t *tour) publishedBefore() (bool, string, error) {
	positions, err := t.telling.bank.publisher.Resume(t.ctx, tellingCard)
	if err != nil {
		return false, "", fmt.Errorf("ask for the position: %w", err)
	}
	if positions[tellingCard] > 0 {
		return true, "it published this chapter's days on an earlier tour, so the chapter is left out", nil
	}
	return false, "nothing of " + tellingCard + " yet", nil
}

func (t *tour) shareCard() (string, error) {
	clusters := []datav1.DataCluster{consent.TransactionsBasic, consent.FraudAlerts}
	asked, err := t.asks.RequestConsent(t.ctx, &partnerv1.RequestConsentRequest{BankId: tellingBank, Terms: &consentv1.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_FRAUD_PROTECTION, PurposeText: "Warn you at once",
		LookBackDays: tourLookBack, ValidUntil: timestamppb.New(time.Now().AddDate(0, 6, 0)), UnattendedPerDay: 1,
	}})
	if err != nil {
		return "", err
	}
	f := t.telling
	f.consent = asked.GetConsent().GetConsentId()
	_, err = f.customer.AuthorizeConsent(t.ctx, &customerv1.AuthorizeConsentRequest{
		CustomerId: tellingCustomer, ConsentId: f.consent, Shares: []*consentv1.Share{{AccountId: tellingCard, Clusters: clusters}},
	})
	if err != nil {
		return "", err
	}
	mine, err := t.asks.GetConsent(t.ctx, &partnerv1.GetConsentRequest{ConsentId: f.consent})
	if err != nil {
		return "", err
	}
	f.account = mine.GetConsent().GetShares()[0].GetAccountId()
	return fmt.Sprintf("%s: %s of %s, which Messenger knows as %s", f.consent, clusterNames(clusters), tellingCard, f.account), nil
}

// subscribe opens the stream, and gives no credit yet.
func (t *tour) subscribe() (string, error) {
	f := t.telling
	var err error
	if f.stream, err = f.events.Subscribe(t.ctx); err != nil {
		return "", err
	}
	go func() {
		defer close(f.came)
		for {
			answer, err := f.stream.Recv()
			if err != nil {
				return // what ended it, the next Send says
			}
			for _, e := range answer.GetEvents() {
				select {
				case f.came <- e:
				case <-f.stream.Context().Done():
					return
				}
			}
		}
	}()
	return "it takes an event at a time, and acknowledges each", nil
}

func (t *tour) publishDay() (string, error) {
	err := t.telling.bank.replay(t.ctx, samplebank.Replay{Accounts: []string{tellingCard}, Days: tellingDays, Before: tellingDays - 1})
	return "PENDING, a suspicion of fraud, POSTED, and the balances after it: all of it is durable", err
}

// next takes one event, having acknowledged those before.
func (f *telling) next(ctx context.Context) (*partnerv1.Event, error) {
	if err := f.stream.Send(&partnerv1.SubscribeRequest{Credits: 1, Acknowledgements: f.done}); err != nil {
		return nil, fmt.Errorf("acknowledge: %w", err)
	}
	f.done = nil
	ctx, cancel := context.WithTimeout(ctx, tellingWait)
	defer cancel()
	select {
	case e, open := <-f.came:
		if !open {
			return nil, errors.New("the stream ended")
		}
		f.done = append(f.done, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
		return e, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for an event: %w", ctx.Err())
	}
}

// receive reads until the day's last event that was given. What came of earlier
// chapters comes too: changes of consents.
func (t *tour) receive() (string, error) {
	var told []string
	posted := 0
	for f := t.telling; posted < 2; {
		e, err := f.next(t.ctx)
		if err != nil {
			return "", err
		}
		switch {
		case e.GetTransaction() != nil:
			said, err := f.transaction(e)
			if err != nil {
				return "", err
			}
			told = append(told, said)
			if strings.Contains(said, "POSTED") {
				posted++
			}
		case e.GetAlert() != nil:
			f.alert = e.GetAlert().GetAccounts()[0].GetAlerts()[0]
			told = append(told, "alert: "+f.alert.GetText())
		case hasData(e):
			return "", fmt.Errorf("it got what was not given: %v", e)
		}
	}
	if t.telling.alert == nil || len(told) != 5 {
		return "", fmt.Errorf("it got %q, want two transactions, each pending and posted, and an alert", told)
	}
	return strings.Join(told, "\n      "), nil
}

// transaction tells of one, and fails if it has what was not given.
func (f *telling) transaction(e *partnerv1.Event) (string, error) {
	account := e.GetTransaction().GetAccounts()[0]
	tx := account.GetTransactions()[0]
	if account.GetAccountId() != f.account || e.GetConsentId() != f.consent ||
		tx.GetDescription() != "" || tx.GetCardPurchase() != nil || tx.GetBalanceAfter() != nil {
		return "", fmt.Errorf("it got what was not given: %v", e)
	}
	return fmt.Sprintf("%-8s %s", formatMoney(tx.GetAmount()), shortName(tx.GetStatus())), nil
}

func (t *tour) answerWith(choice datav1.AlertChoice) (*partnerv1.AnswerAlertResponse, error) {
	f := t.telling
	a := access(f.consent)
	a.Purpose = consentv1.Purpose_PURPOSE_FRAUD_PROTECTION
	return f.alerts.AnswerAlert(t.ctx, &partnerv1.AnswerAlertRequest{
		Access: a, AccountId: f.account, AlertId: f.alert.GetAlertId(), Choice: choice, Confirmation: "tap-1",
	})
}

func (t *tour) answerAlert() (string, error) {
	if !slices.Contains(t.telling.alert.GetChoices(), datav1.AlertChoice_ALERT_CHOICE_WAS_ME) {
		return "", fmt.Errorf("it can be answered with %v", t.telling.alert.GetChoices())
	}
	got, err := t.answerWith(datav1.AlertChoice_ALERT_CHOICE_WAS_ME)
	if err != nil {
		return "", err
	}
	if again, err := t.answerWith(datav1.AlertChoice_ALERT_CHOICE_WAS_ME); err != nil || again.GetStatus() != got.GetStatus() {
		return "", fmt.Errorf("the same answer again: %v, %w", again, err)
	}
	return fmt.Sprintf("the alert is %s; sent twice, it is the same answer", shortName(got.GetStatus())), nil
}

// answerAtBank looks at what came to the bank: one answer, and whose.
func (t *tour) answerAtBank() (string, error) {
	a, err := t.answer()
	if err != nil {
		return "", err
	}
	if a.Account != tellingCard || a.Choice != "WAS_ME" || a.Partner != tourPartner || a.Confirmation != "tap-1" {
		return "", fmt.Errorf("the bank has %+v", a)
	}
	return fmt.Sprintf("%s of %s: %s, by %s, confirmed as %s", a.Alert, a.Account, a.Choice, a.Partner, a.Confirmation), nil
}

// answer waits for an answer to an alert at a bank.
func (t *tour) answer() (samplebank.Answered, error) {
	ctx, cancel := context.WithTimeout(t.ctx, tellingWait)
	defer cancel()
	select {
	case a := <-t.target.answers:
		return a, nil
	case <-ctx.Done():
		return samplebank.Answered{}, fmt.Errorf("wait for the bank: %w", ctx.Err())
	}
}

// hasData says whether an event tells of an account, and not of a consent.
func hasData(e *partnerv1.Event) bool {
	return e.GetTransaction() != nil || e.GetBalance() != nil || e.GetAlert() != nil
}

func (t *tour) takeBackUnread() (string, error) {
	f := t.telling
	if err := f.bank.replay(t.ctx, samplebank.Replay{Accounts: []string{tellingCard}, Days: tellingDays, Before: tellingOn}); err != nil {
		return "", err
	}
	_, err := f.customer.RevokeConsent(t.ctx, &customerv1.RevokeConsentRequest{CustomerId: tellingCustomer, ConsentId: f.consent})
	return "two events wait at the gateway while the consent ends", err
}

// readOn reads until the end of the consent is told, and then for a moment: of
// the card nothing may come.
func (t *tour) readOn() (string, error) {
	f := t.telling
	for ended := false; !ended; {
		e, err := f.next(t.ctx)
		if err != nil {
			return "", err
		}
		if e.GetConsentChanged() == nil && e.GetAccountLeft() == nil {
			return "", fmt.Errorf("it got what was taken back: %v", e)
		}
		ended = e.GetConsentId() == f.consent && e.GetConsentChanged().GetStatus() == consentv1.ConsentStatus_CONSENT_STATUS_REVOKED
	}
	if err := f.stream.Send(&partnerv1.SubscribeRequest{Credits: 100, Acknowledgements: f.done}); err != nil {
		return "", err
	}
	select {
	case e := <-f.came:
		if e.GetConsentChanged() == nil && e.GetAccountLeft() == nil {
			return "", fmt.Errorf("it got what was taken back: %v", e)
		}
	case <-time.After(nothingWait):
	}
	return "it is told that the consent is revoked, and nothing of the card", nil
}
