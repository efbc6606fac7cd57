package fields_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"sluice/consent"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// hundred is an answer with a hundred transactions.
func hundred(b *testing.B) []byte {
	account := &datav1.AccountTransactions{AccountId: "A1"}
	for i := range 100 {
		account.Transactions = append(account.Transactions, transaction(fmt.Sprintf("t%05d", i), today))
	}
	return encode(b, &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{account}})
}

// BenchmarkKeep filters a hundred transactions of which the basic half may leave.
func BenchmarkKeep(b *testing.B) {
	answer, p := hundred(b), permit(consent.TransactionsBasic)
	table, out := kinds(b)[2].table, make([]byte, 0, len(answer)+64)
	b.ReportAllocs()
	for b.Loop() {
		if s, err := table.Keep(out, answer, p); err != nil || s.Items() != 100 {
			b.Fatal(s.Items(), err)
		}
	}
}

// BenchmarkKeepAll filters the same where all of it may leave.
func BenchmarkKeepAll(b *testing.B) {
	answer, p := hundred(b), permit(everyCluster...)
	table, out := kinds(b)[2].table, make([]byte, 0, len(answer)+64)
	b.ReportAllocs()
	for b.Loop() {
		if s, err := table.Keep(out, answer, p); err != nil || s.Items() != 100 {
			b.Fatal(s.Items(), err)
		}
	}
}

// BenchmarkTwin is the same by reflection, for the ratio.
func BenchmarkTwin(b *testing.B) {
	answer, p := hundred(b), permit(consent.TransactionsBasic)
	b.ReportAllocs()
	for b.Loop() {
		var in bankv1.ListTransactionsResponse
		if err := proto.Unmarshal(answer, &in); err != nil {
			b.Fatal(err)
		}
		w := &twin{permit: p}
		if _, err := proto.Marshal(w.keep(in.ProtoReflect()).Interface()); err != nil || w.items != 100 {
			b.Fatal(w.items, err)
		}
	}
}
