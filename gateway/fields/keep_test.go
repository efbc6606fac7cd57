package fields_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice/consent"
	"sluice/gateway/fields"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// kind is one kind of bank answer with its compiled marks.
type kind struct {
	answer protoreflect.MessageDescriptor
	table  *fields.Table
}

func kinds(t testing.TB) []kind {
	t.Helper()
	var out []kind
	for _, m := range []proto.Message{
		&bankv1.ListAccountsResponse{}, &bankv1.ListBalancesResponse{},
		&bankv1.ListTransactionsResponse{}, &bankv1.ListCardsResponse{}, &bankv1.ListAlertsResponse{},
		&bankv1.ListConversationsResponse{}, &bankv1.ListMessagesResponse{},
	} {
		d := m.ProtoReflect().Descriptor()
		table, err := fields.Compile(d)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, kind{d, table})
	}
	return out
}

// The days of the tests' permits: ten that end on 2026-11-24.
const (
	today  = consent.Day(20781)
	oldest = today - 9
)

func permit(clusters ...consent.Cluster) fields.Permit {
	return fields.Permit{From: oldest, To: today, Accounts: []fields.Account{
		{ID: "A1", Public: "pairwise-of-the-first", Clusters: consent.ClustersOf(clusters...)},
	}}
}

func dateOf(d consent.Day) *date.Date {
	y, m, dd := d.Date()
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(dd)}
}

func crowns(n int64) *money.Money { return &money.Money{CurrencyCode: "CZK", Units: n} }

func transaction(id string, day consent.Day) *datav1.Transaction {
	return &datav1.Transaction{
		TransactionId: id, BookingDate: dateOf(day), Amount: crowns(-100), BalanceAfter: crowns(900), Description: "rent",
		Counterparty: &datav1.Counterparty{Name: "Landlord", AccountNumber: "CZ6508000000192000145399"},
		CardPurchase: &datav1.CardPurchase{MerchantName: "Shop", CardNumber: "4111111111111111"},
	}
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kept is what Keep leaves of an answer, decoded as the same kind of answer.
func kept[M proto.Message](t *testing.T, answer M, p fields.Permit) (M, fields.Shown) {
	t.Helper()
	return keptOf(t, answer, encode(t, answer), p)
}

func keptOf[M proto.Message](t *testing.T, of M, answer []byte, p fields.Permit) (M, fields.Shown) {
	t.Helper()
	table, err := fields.Compile(of.ProtoReflect().Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := table.Keep(nil, answer, p)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := of.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(shown.Bytes(), out); err != nil {
		t.Fatal(err)
	}
	return out, shown
}

func TestOnlyPermittedKindsOfDataAreKept(t *testing.T) {
	answer := &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
		{AccountId: "A1", Transactions: []*datav1.Transaction{transaction("t1", today)}},
	}, NextPageToken: "more"}
	got, shown := kept(t, answer, permit(consent.TransactionsBasic))
	want := &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
		{AccountId: "pairwise-of-the-first", Transactions: []*datav1.Transaction{
			{TransactionId: "t1", BookingDate: dateOf(today), Amount: crowns(-100)},
		}},
	}}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	if shown.NextPage() != "more" || shown.Items() != 1 || shown.Clusters() != consent.ClustersOf(consent.TransactionsBasic) {
		t.Errorf("next %q, items %d, clusters %s", shown.NextPage(), shown.Items(), shown.Clusters())
	}
	if d := cmp.Diff(fields.Dropped{Fields: 4}, shown.Dropped()); d != "" {
		t.Errorf("dropped (-want +got):\n%s", d)
	}
}

func TestAccountsThatAreNotPermittedAreDroppedAndCounted(t *testing.T) {
	answer := &bankv1.ListBalancesResponse{
		Accounts: []*datav1.AccountBalances{
			{AccountId: "A2", Balances: []*datav1.Balance{{Amount: crowns(1)}}},
			{AccountId: "A1", Balances: []*datav1.Balance{{Amount: crowns(2)}}},
			{Balances: []*datav1.Balance{{Amount: crowns(3)}}},
		},
		Failures: []*bankv1.AccountFailure{{AccountId: "A3"}, {AccountId: "A1", Code: 2}},
	}
	got, shown := kept(t, answer, permit(consent.Balances))
	if len(got.GetAccounts()) != 1 || got.GetAccounts()[0].GetBalances()[0].GetAmount().GetUnits() != 2 {
		t.Errorf("kept %v", got)
	}
	if d := cmp.Diff([]fields.Failure{{Account: "A1", Code: 2}}, shown.Failures()); d != "" {
		t.Errorf("failures (-want +got):\n%s", d)
	}
	if shown.Dropped().Accounts != 3 {
		t.Errorf("dropped %+v, want two entries and a failure", shown.Dropped())
	}
}

func TestAnAccountWithoutTheKindOfDataHasNoEntry(t *testing.T) {
	answer := &bankv1.ListBalancesResponse{Accounts: []*datav1.AccountBalances{{AccountId: "A1"}}}
	got, shown := kept(t, answer, permit(consent.Cards))
	if len(got.GetAccounts()) != 0 || len(shown.Accounts()) != 0 || shown.Dropped().Accounts != 1 {
		t.Errorf("kept %v", got)
	}
}

func TestTheLastAccountIDOfAnEntryNamesIt(t *testing.T) {
	entry := encode(t, &datav1.AccountBalances{AccountId: "A1", Balances: []*datav1.Balance{{Amount: crowns(5)}}})
	entry = protowire.AppendString(protowire.AppendTag(entry, 1, protowire.BytesType), "A2")
	answer := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), entry)
	got, _ := keptOf(t, &bankv1.ListBalancesResponse{}, answer, permit(consent.Balances))
	if len(got.GetAccounts()) != 0 {
		t.Errorf("an entry of A2 left as A1's: %v", got)
	}
}

func TestTransactionsOutsideTheDaysAreDropped(t *testing.T) {
	for _, tt := range []struct {
		name string
		day  *date.Date
		keep bool
	}{
		{"today", dateOf(today), true},
		{"the oldest day", dateOf(oldest), true},
		{"a day too old", dateOf(oldest - 1), false},
		{"tomorrow", dateOf(today + 1), false},
		{"no date", nil, false},
		{"an empty date", &date.Date{}, false},
		{"a month without its day", &date.Date{Year: 2026, Month: 11}, false},
		{"a day that does not exist", &date.Date{Year: 2026, Month: 11, Day: 31}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tx := transaction("t", today)
			tx.BookingDate = tt.day
			got, shown := kept(t, &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
				{AccountId: "A1", Transactions: []*datav1.Transaction{tx}},
			}}, permit(consent.TransactionsBasic))
			if n := len(got.GetAccounts()[0].GetTransactions()); (n == 1) != tt.keep {
				t.Errorf("%d transactions left", n)
			}
			if (shown.Dropped().Items == 0) != tt.keep || (shown.Items() == 1) != tt.keep {
				t.Errorf("items %d, dropped %+v", shown.Items(), shown.Dropped())
			}
		})
	}
}

// A date may come in pieces; the receiver puts them together, and so must we.
func TestDateInPiecesIsJudgedAsAWhole(t *testing.T) {
	tx := encode(t, &datav1.Transaction{TransactionId: "t", BookingDate: dateOf(today)})
	old := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 2020)
	tx = protowire.AppendBytes(protowire.AppendTag(tx, 3, protowire.BytesType), old)
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "A1")
	entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), tx)
	answer := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), entry)
	got, shown := keptOf(t, &bankv1.ListTransactionsResponse{}, answer, permit(consent.TransactionsBasic))
	if len(got.GetAccounts()[0].GetTransactions()) != 0 || shown.Dropped().Items != 1 {
		t.Errorf("a transaction of 2020 left: %v", got)
	}
}

func TestNumbersAreMaskedUnlessDetailsAreShared(t *testing.T) {
	number := func(n string, p fields.Permit) string {
		got, _ := kept(t, &bankv1.ListAccountsResponse{Accounts: []*datav1.Account{{AccountId: "A1", Number: n}}}, p)
		return got.GetAccounts()[0].GetNumber()
	}
	basic, detailed := permit(consent.AccountBasic), permit(consent.AccountBasic, consent.AccountDetailed)
	for in, want := range map[string]string{
		"CZ6508000000192000145399": "****5399",
		"12345678":                 "****5678",
		"1234567":                  "****",
		"1":                        "****",
		"žluťoučký":                "****učký",
	} {
		if got := number(in, basic); got != want {
			t.Errorf("%q left as %q, want %q", in, got, want)
		}
		if got := number(in, detailed); got != in {
			t.Errorf("%q left as %q although details are shared", in, got)
		}
		held := permit(consent.AccountBasic, consent.AccountDetailed)
		held.Accounts[0].Masked = true
		if got := number(in, held); got != want {
			t.Errorf("%q left as %q although the permit masks", in, got)
		}
	}
}

func TestUnmaskedNumbersAreOnRecordAsDetails(t *testing.T) {
	cards := &bankv1.ListCardsResponse{Accounts: []*datav1.AccountCards{{AccountId: "A1", Cards: []*datav1.Card{{Number: "4111111111111111"}}}}}
	_, masked := kept(t, cards, permit(consent.Cards))
	_, open := kept(t, cards, permit(consent.Cards, consent.AccountDetailed))
	if masked.Clusters() != consent.ClustersOf(consent.Cards) || open.Clusters() != consent.ClustersOf(consent.Cards, consent.AccountDetailed) {
		t.Errorf("masked shows %s, open shows %s", masked.Clusters(), open.Clusters())
	}
}

func TestUnknownFieldsAndWrongWireTypesNeverLeave(t *testing.T) {
	secret := func(b []byte, n protowire.Number) []byte {
		return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), "secret")
	}
	amount := secret(encode(t, crowns(5)), 77)
	balance := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), amount)
	balance = secret(balance, 99)
	balance = protowire.AppendVarint(protowire.AppendTag(balance, 4, protowire.VarintType), 12345)
	balance = secret(balance, 1) // an enum as text
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "A1")
	entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), balance)
	entry = secret(entry, 3)
	answer := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), entry)
	answer = secret(answer, 9)
	got, shown := keptOf(t, &bankv1.ListBalancesResponse{}, answer, permit(consent.Balances))
	want := &bankv1.ListBalancesResponse{Accounts: []*datav1.AccountBalances{
		{AccountId: "pairwise-of-the-first", Balances: []*datav1.Balance{{Amount: crowns(5)}}},
	}}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	if strings.Contains(string(shown.Bytes()), "secret") || shown.Dropped().Unknown != 6 {
		t.Errorf("dropped %+v of %q", shown.Dropped(), shown.Bytes())
	}
}

func TestUnusableAnswersAreRefusedAsAWhole(t *testing.T) {
	good := encode(t, &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
		{AccountId: "A1", Transactions: []*datav1.Transaction{transaction("t", today)}},
	}})
	bad := string([]byte{0xff, 0xfe})
	entry := func(tx []byte) []byte {
		e := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "A1")
		e = protowire.AppendBytes(protowire.AppendTag(e, 2, protowire.BytesType), tx)
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), e)
	}
	dated := encode(t, &datav1.Transaction{BookingDate: dateOf(today)})
	text := func(b []byte, n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
	}
	for name, answer := range map[string][]byte{
		"cut off":                 good[:len(good)-1],
		"an end group":            protowire.AppendTag(nil, 1, protowire.EndGroupType),
		"text that is not UTF-8":  entry(text(dated, 1, bad)),
		"an id that is not UTF-8": protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), text(nil, 1, bad)),
		"a failure cut off":       protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), []byte{0x0a}),
		"a failure not in UTF-8":  protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), text(nil, 1, bad)),
		"a token too long":        text(nil, 3, strings.Repeat("x", fields.MaxPageToken+1)),
		"a token not in UTF-8":    text(nil, 3, bad),
		"an entry cut off":        protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{0x0a}),
		"a date cut off":          entry(protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), []byte{0x08})),
		"a transaction cut off":   entry([]byte{0x0a}),
		"an amount cut off":       entry(append(append([]byte{}, dated...), 0x2a, 0x01, 0x0a)),
	} {
		t.Run(name, func(t *testing.T) {
			shown, err := kinds(t)[2].table.Keep(nil, answer, permit(consent.TransactionsBasic))
			if err == nil || len(shown.Bytes()) != 0 || len(shown.Accounts()) != 0 {
				t.Errorf("kept %q, error %v", shown.Bytes(), err)
			}
			if err != nil && strings.Contains(err.Error(), "A1") {
				t.Errorf("the error tells of the data: %v", err)
			}
		})
	}
}

func TestZeroPermitShowsNothing(t *testing.T) {
	shown, err := kinds(t)[0].table.Keep(nil, encode(t, &bankv1.ListAccountsResponse{
		Accounts: []*datav1.Account{{AccountId: "A1"}, {}},
	}), fields.Permit{Accounts: []fields.Account{{}}})
	if err != nil || len(shown.Bytes()) != 0 {
		t.Errorf("shown %q, %v", shown.Bytes(), err)
	}
}

// A message that shrinks across a length's boundary, and one that grows, still
// say their length right.
func TestLengthsAreRightWhateverIsLeft(t *testing.T) {
	for size := range 400 {
		tx := transaction("t", today)
		tx.Description = strings.Repeat("d", size)
		agree(t, kinds(t)[2], encode(t, &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
			{AccountId: "A1", Transactions: []*datav1.Transaction{tx}},
		}}), permit(consent.TransactionsBasic))
		long := permit(consent.AccountBasic)
		long.Accounts[0].Public = strings.Repeat("p", size)
		agree(t, kinds(t)[0], encode(t, &bankv1.ListAccountsResponse{Accounts: []*datav1.Account{{AccountId: "A1", Number: "1"}}}), long)
	}
}
