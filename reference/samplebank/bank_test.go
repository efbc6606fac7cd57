package samplebank

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

func load(t testing.TB) *Data {
	t.Helper()
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// open opens a bank on a day of November 2026.
func open(t testing.TB, d *Data, id string) *Bank {
	t.Helper()
	b, err := New(d, id, func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryRowOfTheSourceIsThere(t *testing.T) {
	d := load(t)
	var current, loans, cards, rows, purchased int
	for _, a := range d.accounts {
		switch {
		case a.card != nil:
			cards++
			purchased += len(a.transactions)
		case a.loan != nil:
			loans++
		default:
			current++
			rows += len(a.transactions)
		}
		if len(a.holders) == 0 || a.opened == 0 {
			t.Errorf("%s has no holder or no first day", a.id)
		}
	}
	if current != 1229 || rows != 49102 || loans != 38 || cards != 6 {
		t.Errorf("%d current accounts with %d transactions, %d loans, %d cards", current, rows, loans, cards)
	}
	all, err := purchases()
	if err != nil {
		t.Fatal(err)
	}
	before := 0
	for _, p := range all {
		if p.day < firstCard(d) {
			before++
		}
	}
	if len(all) != 1751 || purchased != len(all)-before || purchased < 1500 {
		t.Errorf("%d purchases, %d before the first card, %d dealt", len(all), before, purchased)
	}
}

func firstCard(d *Data) day {
	first := newest
	for _, a := range d.accounts {
		if a.card != nil {
			first = min(first, a.card.issued)
		}
	}
	return first
}

// The source gives each row's balance. Not all of them follow from the row
// before, but amounts read or signed wrongly would make them fewer.
func TestAmountsAddUpToTheBalancesOfTheSource(t *testing.T) {
	follow := 0
	for _, a := range load(t).accounts {
		for i, tx := range a.transactions {
			if i == 0 {
				continue
			}
			before := a.transactions[i-1]
			if before.day > tx.day {
				t.Fatalf("%s: %+v stands before %+v", a.id, before, tx)
			}
			if before.balance+tx.amount == tx.balance && a.kind == datav1.AccountKind_ACCOUNT_KIND_CURRENT {
				follow++
			}
		}
	}
	if follow != 34203 {
		t.Errorf("%d rows follow from the row before, want 34203", follow)
	}
}

func TestEveryTransactionHasAMeaning(t *testing.T) {
	for _, a := range load(t).accounts {
		for _, tx := range a.transactions {
			if tx.kind == 0 || tx.description == "" {
				t.Fatalf("%s %s has none", a.id, tx.id)
			}
		}
	}
}

func TestTransactionIDsAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range load(t).accounts {
		for _, tx := range a.transactions {
			if seen[tx.id] {
				t.Fatalf("%s stands twice", tx.id)
			}
			seen[tx.id] = true
		}
	}
}

func TestAccountsAreAtTheirBank(t *testing.T) {
	d := load(t)
	n := map[int]int{}
	for id, a := range d.accounts {
		n[a.bank]++
		if a.kind != datav1.AccountKind_ACCOUNT_KIND_CURRENT {
			continue
		}
		var number int
		if _, err := fmt.Sscanf(id, "A%d", &number); err != nil || number%4 != a.bank {
			t.Errorf("%s is at bank %d", id, a.bank)
		}
	}
	for bank := range banks {
		if n[bank] < 250 {
			t.Errorf("bank %d has %d accounts", bank, n[bank])
		}
	}
}

func TestCustomerHasCurrentLoanAndCardAccount(t *testing.T) {
	got, err := open(t, load(t), "morava").ListAccounts(t.Context(), &bankv1.ListAccountsRequest{Subject: &bankv1.Subject{CustomerId: "9593"}})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range got.GetAccounts() {
		ids = append(ids, a.GetAccountId()+" "+a.GetCurrency()+" "+a.GetNumber())
	}
	want := []string{"A7753 CZK CZ6899020000000000007753", "L6577 CZK LOAN-00006577", "C1005 GBP 4000000000010050"}
	if d := cmp.Diff(want, ids); d != "" {
		t.Errorf("accounts (-want +got):\n%s", d)
	}
	if loan := got.GetAccounts()[1].GetLoan(); loan.GetPrincipal().GetUnits() != 51696 || loan.GetDurationMonths() != 24 {
		t.Errorf("loan = %v", loan)
	}
}

func TestAccountsOfOthersAreNotFound(t *testing.T) {
	d := load(t)
	for bank, subject := range map[string]*bankv1.Subject{
		"labe":   {CustomerId: "9593", AccountIds: []string{"A7753"}},         // at another bank
		"morava": {CustomerId: "9593", AccountIds: []string{"A489", "A0"}},    // another's, and none
		"odra":   {CustomerId: "nobody", AccountIds: []string{"A4078"}},       // no customer
		"vltava": {CustomerId: "9593", AccountIds: []string{"C1005", "\x00"}}, // nonsense
	} {
		b := open(t, d, bank)
		got, err := b.ListBalances(t.Context(), &bankv1.ListBalancesRequest{Subject: subject})
		if err != nil || len(got.GetAccounts()) != 0 || len(got.GetFailures()) != len(subject.GetAccountIds()) {
			t.Errorf("%s answered %v, %v", bank, got, err)
		}
		for _, f := range got.GetFailures() {
			if f.GetCode() != bankv1.AccountFailureCode_ACCOUNT_FAILURE_CODE_NOT_FOUND {
				t.Errorf("%s said %v", bank, f)
			}
		}
	}
	_, err := open(t, d, "labe").ListCards(t.Context(), &bankv1.ListCardsRequest{Subject: &bankv1.Subject{CustomerId: "9593"}})
	if status.Code(err) != codes.NotFound {
		t.Errorf("a customer of another bank: %v", err)
	}
}

func TestBalancesAreThoseAfterTheLastTransaction(t *testing.T) {
	d := load(t)
	got, err := open(t, d, "morava").ListBalances(t.Context(), &bankv1.ListBalancesRequest{Subject: &bankv1.Subject{CustomerId: "9593"}})
	if err != nil || len(got.GetAccounts()) != 3 {
		t.Fatal(got, err)
	}
	last := d.accounts["A7753"].transactions
	if want := last[len(last)-1].balance.money("CZK"); !cmp.Equal(want.String(), got.GetAccounts()[0].GetBalances()[0].GetAmount().String()) {
		t.Errorf("balance = %v, want %v", got.GetAccounts()[0], want)
	}
	if owed := got.GetAccounts()[1].GetBalances()[0].GetAmount(); owed.GetUnits() >= 0 {
		t.Errorf("the loan's balance is %v", owed)
	}
	if owed := got.GetAccounts()[2].GetBalances()[0].GetAmount(); owed.GetUnits() >= 0 || owed.GetCurrencyCode() != "GBP" {
		t.Errorf("the card's balance is %v", owed)
	}
}

func TestCardsStandAtCardAccountsOnly(t *testing.T) {
	got, err := open(t, load(t), "morava").ListCards(t.Context(), &bankv1.ListCardsRequest{Subject: &bankv1.Subject{CustomerId: "9593"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range got.GetAccounts() {
		if (len(a.GetCards()) == 1) != strings.HasPrefix(a.GetAccountId(), "C") {
			t.Errorf("%s has %d cards", a.GetAccountId(), len(a.GetCards()))
		}
	}
}

// Whatever the page size, the pages together are the answer: newest first, each
// transaction once, none outside the days.
func TestPagesTogetherAreTheWholeAnswer(t *testing.T) {
	b := open(t, load(t), "morava")
	rapid.Check(t, func(t *rapid.T) {
		to := dayOf(b.now()) - day(rapid.IntRange(0, 60).Draw(t, "to"))
		r := &bankv1.ListTransactionsRequest{
			Subject:  &bankv1.Subject{CustomerId: "9593"},
			FromDate: (to - day(rapid.IntRange(0, 400).Draw(t, "days"))).date(), ToDate: to.date(),
			PageSize: 500,
		}
		whole := pages(t, b, r)
		r.PageSize = int32(rapid.IntRange(1, 120).Draw(t, "size"))
		if d := cmp.Diff(whole, pages(t, b, r)); d != "" {
			t.Fatalf("pages of %d differ:\n%s", r.GetPageSize(), d)
		}
		if sorted := slices.Clone(whole); len(slices.Compact(sorted)) != len(whole) {
			t.Fatal("a transaction came twice")
		}
	})
}

func pages(t *rapid.T, b *Bank, r *bankv1.ListTransactionsRequest) []string {
	var out []string
	newer := map[string]day{}
	for r.PageToken = ""; ; {
		got, err := b.ListTransactions(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, a := range got.GetAccounts() {
			for _, tx := range a.GetTransactions() {
				on, _ := dayFrom(tx.GetBookingDate())
				from, _ := dayFrom(r.GetFromDate())
				to, _ := dayFrom(r.GetToDate())
				if last, ok := newer[a.GetAccountId()]; on < from || on > to || ok && on > last {
					t.Fatalf("%s is out of order or outside of %s to %s", tx, r.GetFromDate(), r.GetToDate())
				}
				newer[a.GetAccountId()] = on
				out = append(out, a.GetAccountId()+" "+tx.GetTransactionId())
				n++
			}
		}
		if n > int(r.GetPageSize()) {
			t.Fatalf("%d on a page of %d", n, r.GetPageSize())
		}
		if r.PageToken = got.GetNextPageToken(); r.GetPageToken() == "" {
			return out
		}
	}
}

func TestMalformedCallsAreRefused(t *testing.T) {
	b := open(t, load(t), "morava")
	good := func() *bankv1.ListTransactionsRequest {
		return &bankv1.ListTransactionsRequest{
			Subject:  &bankv1.Subject{CustomerId: "9593", AccountIds: []string{"A7753"}},
			FromDate: (newest - 30).date(), ToDate: newest.date(), PageSize: 10,
		}
	}
	if _, err := b.ListTransactions(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
	for name, but := range map[string]func(*bankv1.ListTransactionsRequest){
		"no days":                               func(r *bankv1.ListTransactionsRequest) { r.FromDate, r.ToDate = nil, nil },
		"days reversed":                         func(r *bankv1.ListTransactionsRequest) { r.FromDate, r.ToDate = r.GetToDate(), r.GetFromDate() },
		"no such day":                           func(r *bankv1.ListTransactionsRequest) { r.FromDate.Month, r.FromDate.Day = 2, 30 },
		"no size":                               func(r *bankv1.ListTransactionsRequest) { r.PageSize = 0 },
		"too large a size":                      func(r *bankv1.ListTransactionsRequest) { r.PageSize = 501 },
		"a made-up token":                       func(r *bankv1.ListTransactionsRequest) { r.PageToken = "made up" },
		"a token of a transaction there is not": func(r *bankv1.ListTransactionsRequest) { r.PageToken = "QTc3NTMgVDE" },
		"a token of another account":            func(r *bankv1.ListTransactionsRequest) { r.PageToken = "QTQ4OSBUMQ" },
	} {
		r := good()
		but(r)
		if _, err := b.ListTransactions(t.Context(), r); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(nil, "dunaj", time.Now); err == nil {
		t.Error("a bank that there is not was opened")
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
