package gateway

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/gateway/fields"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/policy"
)

// answers knows, for each kind of answer, the bank's method and the compiled
// marks of what it answers with. It is filled once and only read afterwards.
type answers [policy.Messages + 1]struct {
	method bank.Method
	table  *fields.Table
}

func compileAnswers() (answers, error) {
	var a answers
	for _, k := range []struct {
		kind   policy.Kind
		method bank.Method
		answer proto.Message
	}{
		{policy.Accounts, bank.ListAccounts, &bankv1.ListAccountsResponse{}},
		{policy.Balances, bank.ListBalances, &bankv1.ListBalancesResponse{}},
		{policy.Transactions, bank.ListTransactions, &bankv1.ListTransactionsResponse{}},
		{policy.Cards, bank.ListCards, &bankv1.ListCardsResponse{}},
		{policy.Alerts, bank.ListAlerts, &bankv1.ListAlertsResponse{}},
		{policy.Conversations, bank.ListConversations, &bankv1.ListConversationsResponse{}},
		{policy.Messages, bank.ListMessages, &bankv1.ListMessagesResponse{}},
	} {
		table, err := fields.Compile(k.answer.ProtoReflect().Descriptor())
		if err != nil {
			return answers{}, fmt.Errorf("compile marks of %s: %w", k.method, err)
		}
		a[k.kind].method, a[k.kind].table = k.method, table
	}
	return a, nil
}

func (a *answers) method(k policy.Kind) bank.Method  { return a[k].method }
func (a *answers) table(k policy.Kind) *fields.Table { return a[k].table }
