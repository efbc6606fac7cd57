package e2e

import (
	"bytes"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/gateway/codec"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// canary stands in everything the bank answers and may not.
const canary = "CANARY"

func day(ago int) *date.Date {
	y, m, d := time.Now().UTC().AddDate(0, 0, -ago).Date()
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(d)}
}

func czk(units int64) *money.Money { return &money.Money{CurrencyCode: "CZK", Units: units} }

func unknownField(m proto.Message) {
	b := protowire.AppendTag(nil, 1999, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendString(b, canary+" unknown"))
}

func transaction(id string, ago int) *datav1.Transaction {
	t := &datav1.Transaction{
		TransactionId: id, BookingDate: day(ago), Amount: czk(-5), Description: canary + " description",
		BalanceAfter: czk(424242), Counterparty: &datav1.Counterparty{Name: canary + " counterparty"},
		CardPurchase: &datav1.CardPurchase{MerchantName: canary + " merchant"},
	}
	unknownField(t)
	unknownField(t.Amount)
	return t
}

func TestNothingOfAnOverAnsweringBankReachesThePartner(t *testing.T) {
	h := open(t)
	kinds := clusters(accountBasic, balances, transactionsBasic)
	h.bank.Answer(bank.ListAccounts, overAccounts())
	h.bank.Answer(bank.ListHolders, banktest.HeldBy(customerID, "A-1", "A-2", "A3-withheld"))
	h.bank.Answer(bank.ListBalances, overBalances())
	h.bank.Answer(bank.ListTransactions, overTransactions())
	id := h.agree(kinds, "A-1", "A-2")
	account := h.pairwise(id)[0]
	conn := h.dial(authn.Partner, "messenger", grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec.New())))

	for _, tt := range []struct {
		method  string
		request proto.Message
		check   func(t *testing.T, encoded []byte)
	}{
		{"ListAccounts", &partnerv1.ListAccountsRequest{Access: access(id)}, func(t *testing.T, encoded []byte) {
			var got partnerv1.ListAccountsResponse
			decode(t, encoded, &got)
			if len(got.GetAccounts()) != 2 {
				t.Errorf("%d accounts, want the 2 agreed", len(got.GetAccounts()))
			}
			for _, a := range got.GetAccounts() {
				if a.GetNumber() != "****5399" || a.GetHolders() != nil || a.GetCurrency() != "CZK" {
					t.Errorf("account = %v, want number masked, currency kept, no holders", a)
				}
			}
		}},
		{"GetAccount", &partnerv1.GetAccountRequest{Access: access(id), AccountId: account}, func(t *testing.T, encoded []byte) {
			var got partnerv1.GetAccountResponse
			decode(t, encoded, &got)
			if got.GetAccount().GetAccountId() != account {
				t.Errorf("account = %v, want only %s", got.GetAccount(), account)
			}
		}},
		{"ListBalances", &partnerv1.ListBalancesRequest{Access: access(id)}, func(t *testing.T, encoded []byte) {
			var got partnerv1.ListBalancesResponse
			decode(t, encoded, &got)
			if len(got.GetAccounts()) != 2 || got.GetAccounts()[0].GetBalances()[0].GetAmount().GetUnits() != 100 {
				t.Errorf("balances = %v, want those of 2 accounts", got.GetAccounts())
			}
		}},
		{"ListTransactions", &partnerv1.ListTransactionsRequest{Access: access(id), AccountId: account}, func(t *testing.T, encoded []byte) {
			var got partnerv1.ListTransactionsResponse
			decode(t, encoded, &got)
			var ids []string
			for _, tx := range got.GetAccount().GetTransactions() {
				ids = append(ids, tx.GetTransactionId())
			}
			if len(ids) != 2 || ids[0] != "T-today" || ids[1] != "T-89" {
				t.Errorf("transactions = %v, want the two within 90 days", ids)
			}
		}},
	} {
		t.Run(tt.method, func(t *testing.T) {
			var frame codec.Frame
			if err := conn.Invoke(h.ctx(), "/sluice.partner.v1.AccountService/"+tt.method, tt.request, &frame); err != nil {
				t.Fatal(err)
			}
			encoded := bytes.Clone(frame.Bytes())
			for _, forbidden := range []string{canary, "A-1", "A-2", "A3-withheld", "CZ65", "T-90", "T-undated", customerID} {
				if bytes.Contains(encoded, []byte(forbidden)) {
					t.Errorf("the answer has %q in it", forbidden)
				}
			}
			tt.check(t, encoded)
		})
	}
	t.Run("the log has none of it either", func(t *testing.T) {
		for _, forbidden := range []string{canary, "CZ65", "424242"} {
			if bytes.Contains(h.log(), []byte(forbidden)) {
				t.Errorf("the log has %q in it", forbidden)
			}
		}
	})
}

func decode(t *testing.T, encoded []byte, into proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(encoded, into); err != nil {
		t.Fatalf("the answer is malformed: %v", err)
	}
}

func overAccounts() proto.Message {
	out := &bankv1.ListAccountsResponse{}
	for _, id := range []string{"A-1", "A-2", "A3-withheld"} {
		a := &datav1.Account{
			AccountId: id, Currency: "CZK", Number: "CZ6508000000192000145399",
			Holders: []*datav1.AccountHolder{{Name: canary + " holder"}},
			Loan:    &datav1.LoanTerms{Principal: czk(424242)},
		}
		unknownField(a)
		out.Accounts = append(out.Accounts, a)
	}
	unknownField(out)
	return out
}

func overBalances() proto.Message {
	out := &bankv1.ListBalancesResponse{}
	for _, id := range []string{"A-1", "A3-withheld", "A-2"} {
		b := &datav1.Balance{Amount: czk(100)}
		unknownField(b)
		entry := &datav1.AccountBalances{AccountId: id, Balances: []*datav1.Balance{b}}
		unknownField(entry)
		out.Accounts = append(out.Accounts, entry)
	}
	return out
}

func overTransactions() proto.Message {
	undated := transaction("T-undated", 0)
	undated.BookingDate = nil
	return &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
		{AccountId: "A3-withheld", Transactions: []*datav1.Transaction{transaction(canary, 0)}},
		{AccountId: "A-1", Transactions: []*datav1.Transaction{
			transaction("T-today", 0), transaction("T-89", 89), transaction("T-90", 90), undated,
		}},
	}}
}
