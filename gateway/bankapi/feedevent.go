package bankapi

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/feed"
	"sluice/gateway/interceptor"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/refusal"
)

// The largest event in bytes. A message may have 4000 characters of four bytes,
// and five files.
const (
	maxEvent   = 16 << 10
	maxMessage = 32 << 10
)

// event is an event that is as the contract says.
type event struct {
	feed.Event
	customer consent.CustomerID // who left; "" of a closed account
}

// batch is one request's events.
type batch struct {
	accounts   []consent.AccountID // those it names, each once
	events     []event
	rejections []feed.Rejection // events that are not as the contract says
}

// read reads a request's events, each by itself: what is wrong with one is said
// of it and does not spoil the others.
func (f *Feeds) read(events []*bankv1.FeedEvent) (batch, error) {
	if n := len(events); n < 1 || n > feed.MaxBatch {
		return batch{}, refusal.Invalid("events", fmt.Sprintf("must be 1 to %d", feed.MaxBatch))
	}
	var b batch
	seen := map[consent.AccountID]bool{}
	for _, in := range events {
		account := consent.AccountID(in.GetAccountId())
		e, field, fault := f.event(in)
		if fault != "" {
			b.rejections = append(b.rejections, feed.Rejection{Account: account, Sequence: in.GetSequence(), Field: field, Description: fault})
		} else {
			b.events = append(b.events, e)
		}
		if account != "" && !seen[account] {
			seen[account] = true
			b.accounts = append(b.accounts, account)
		}
	}
	return b, nil
}

// event reads one event, or says what is wrong with it and in which field.
func (f *Feeds) event(in *bankv1.FeedEvent) (e event, field, fault string) {
	most := maxEvent
	if in.GetConversationMessage() != nil {
		most = maxMessage
	}
	if proto.Size(in) > most {
		return event{}, "", fmt.Sprintf("is larger than %d bytes", most)
	}
	if err := f.validator.Validate(in); err != nil {
		return invalid(err)
	}
	if in.GetOccurredAt().CheckValid() != nil {
		return event{}, "occurred_at", "is not a moment between the years 1 and 9999"
	}
	e.Account, e.Sequence, e.OccurredAt = consent.AccountID(in.GetAccountId()), in.GetSequence(), in.GetOccurredAt().AsTime()
	e.Day = consent.NoDay
	field, fault = e.read(in)
	return e, field, fault
}

// read reads what an event tells of.
func (e *event) read(in *bankv1.FeedEvent) (field, fault string) {
	switch what := in.GetWhat().(type) {
	case *bankv1.FeedEvent_TransactionPosted:
		return e.transaction(feed.TransactionPosted, what.TransactionPosted)
	case *bankv1.FeedEvent_TransactionChanged:
		return e.transaction(feed.TransactionChanged, what.TransactionChanged)
	case *bankv1.FeedEvent_BalanceChanged:
		return e.balances(what.BalanceChanged.GetBalances())
	case *bankv1.FeedEvent_FraudAlertRaised:
		return e.alert(feed.AlertRaised, what.FraudAlertRaised)
	case *bankv1.FeedEvent_FraudAlertResolved:
		return e.alert(feed.AlertResolved, what.FraudAlertResolved)
	case *bankv1.FeedEvent_ConversationMessage:
		return e.message(what.ConversationMessage)
	case *bankv1.FeedEvent_ConversationChanged:
		return e.conversation(what.ConversationChanged)
	case *bankv1.FeedEvent_AccountClosed:
		e.Kind = feed.AccountWithdrawn
	case *bankv1.FeedEvent_CustomerLeft:
		e.Kind, e.customer = feed.AccountWithdrawn, consent.CustomerID(what.CustomerLeft.GetCustomerId())
		if strings.Contains(string(e.customer), "\x00") { // no database keeps it, and no consent is of it
			return "customer_left.customer_id", "must be text without NUL"
		}
	default:
		return "what", "is nothing that a bank publishes"
	}
	return "", ""
}

func invalid(err error) (e event, field, fault string) {
	var r *refusal.Error
	if errors.As(interceptor.Invalid(err), &r) && len(r.Violations) > 0 {
		return event{}, r.Violations[0].Field, r.Violations[0].Description
	}
	return event{}, "", "can't be held against the contract"
}

func (e *event) transaction(kind feed.Kind, t *datav1.Transaction) (field, fault string) {
	name := "transaction_posted."
	if kind == feed.TransactionChanged {
		name = "transaction_changed."
	}
	day, ok := dayOf(t.GetBookingDate())
	switch {
	case len(t.GetTransactionId()) < 1 || len(t.GetTransactionId()) > 128:
		return name + "transaction_id", "must have 1 to 128 characters"
	case !ok:
		return name + "booking_date", "must be a calendar date"
	}
	e.Kind, e.Day = kind, day
	e.Transaction = feed.Transaction{ID: t.GetTransactionId(), Status: t.GetStatus(), Replaces: t.GetReplaces()}
	return e.answer(&bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
		{AccountId: string(e.Account), Transactions: []*datav1.Transaction{t}},
	}})
}

func dayOf(d *date.Date) (consent.Day, bool) {
	if d == nil {
		return consent.NoDay, false
	}
	return consent.DayFrom(int(d.GetYear()), int(d.GetMonth()), int(d.GetDay()))
}

func (e *event) balances(all []*datav1.Balance) (field, fault string) {
	seen := map[datav1.BalanceType]bool{}
	for _, b := range all {
		if seen[b.GetType()] {
			return "balance_changed.balances", "must be at most one of each type"
		}
		seen[b.GetType()] = true
	}
	e.Kind = feed.BalanceChanged
	return e.answer(&bankv1.ListBalancesResponse{Accounts: []*datav1.AccountBalances{{AccountId: string(e.Account), Balances: all}}})
}

func (e *event) alert(kind feed.Kind, a *datav1.FraudAlert) (field, fault string) {
	e.Kind = kind
	return e.answer(&bankv1.ListAlertsResponse{Accounts: []*datav1.AccountAlerts{
		{AccountId: string(e.Account), Alerts: []*datav1.FraudAlert{a}},
	}})
}

// message is of the one consent that it names. Whether that is live, and whose it
// is, is not said to the bank: nobody is told, or its partner is.
func (e *event) message(m *datav1.Message) (field, fault string) {
	e.Kind, e.Consent = feed.ConversationMessage, consent.ID(m.GetConsentId())
	return e.answer(&bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{
		{AccountId: string(e.Account), Messages: []*datav1.Message{m}},
	}})
}

func (e *event) conversation(c *datav1.Conversation) (field, fault string) {
	e.Kind, e.Consent = feed.ConversationChanged, consent.ID(c.GetConsentId())
	return e.answer(&bankv1.ListConversationsResponse{Accounts: []*datav1.AccountConversations{
		{AccountId: string(e.Account), Conversations: []*datav1.Conversation{c}},
	}})
}

// answer keeps what the bank would have answered to a pull of just this.
func (e *event) answer(m proto.Message) (field, fault string) {
	encoded, err := proto.Marshal(m)
	if err != nil {
		return "what", "can't be encoded"
	}
	e.Answer = encoded
	return "", ""
}
