package main

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/types/known/timestamppb"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func TestAnEventIsToldInOneLine(t *testing.T) {
	amount := &money.Money{CurrencyCode: "CZK", Units: -12, Nanos: -500_000_000}
	for _, c := range []struct {
		event *partnerv1.Event
		want  string
	}{
		{&partnerv1.Event{Kind: partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED, Transaction: &partnerv1.TransactionEvent{
			Accounts: []*datav1.AccountTransactions{{AccountId: "acc_1", Transactions: []*datav1.Transaction{{
				TransactionId: "T1", Amount: amount, Status: datav1.TransactionStatus_TRANSACTION_STATUS_PENDING,
				Kind: datav1.TransactionKind_TRANSACTION_KIND_CARD_PURCHASE,
			}}}},
		}}, "con_1  TRANSACTION_POSTED  acc_1  -12.50 CZK  PENDING  CARD_PURCHASE  T1"},
		{&partnerv1.Event{Kind: partnerv1.EventKind_EVENT_KIND_BALANCE_CHANGED, Redelivered: true, Balance: &partnerv1.BalanceEvent{
			Accounts: []*datav1.AccountBalances{{AccountId: "acc_1", Balances: []*datav1.Balance{{
				Type: datav1.BalanceType_BALANCE_TYPE_INTERIM_BOOKED, Amount: amount,
			}}}},
		}}, "con_1  BALANCE_CHANGED  acc_1  INTERIM_BOOKED  -12.50 CZK  (again)"},
		{&partnerv1.Event{Kind: partnerv1.EventKind_EVENT_KIND_FRAUD_ALERT_RAISED, Alert: &partnerv1.AlertEvent{
			Accounts: []*datav1.AccountAlerts{{AccountId: "acc_1", Alerts: []*datav1.FraudAlert{{
				AlertId: "W1", Status: datav1.AlertStatus_ALERT_STATUS_OPEN, Amount: amount, Text: "Was this you?\x1b[31m\n",
			}}}},
		}}, "con_1  FRAUD_ALERT_RAISED  acc_1  W1  OPEN  -12.50 CZK  Was this you?�[31m�"},
		{&partnerv1.Event{Kind: partnerv1.EventKind_EVENT_KIND_ACCOUNT_LEFT, AccountLeft: &partnerv1.AccountLeft{AccountId: "acc_1"}}, "con_1  ACCOUNT_LEFT  acc_1"},
	} {
		c.event.ConsentId, c.event.PublishedAt = "con_1", timestamppb.New(timestamppb.Now().AsTime())
		if got := eventLine(c.event); !strings.HasSuffix(got, "  "+c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestPositionsAreListedByAccount(t *testing.T) {
	rows := positionRows(map[string]*bankv1.FeedPosition{"A2": {Sequence: 3, MissingFrom: 4}, "A1": {Sequence: 7}})
	if len(rows) != 2 || strings.Join(rows[0], " ") != "A1 7 " || strings.Join(rows[1], " ") != "A2 3 4" {
		t.Errorf("%q", rows)
	}
}
