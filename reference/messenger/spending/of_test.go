package spending_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	datav1 "sluice/gen/sluice/data/v1"
	"sluice/reference/messenger/spending"
)

const (
	purchase = datav1.TransactionKind_TRANSACTION_KIND_CARD_PURCHASE
	refund   = datav1.TransactionKind_TRANSACTION_KIND_REFUND
	out      = datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_OUT
	posted   = datav1.TransactionStatus_TRANSACTION_STATUS_POSTED
	pending  = datav1.TransactionStatus_TRANSACTION_STATUS_PENDING
	cancel   = datav1.TransactionStatus_TRANSACTION_STATUS_CANCELLED
)

func paid(day int32, kind datav1.TransactionKind, units int64, nanos int32, merchant string) *datav1.Transaction {
	return &datav1.Transaction{
		Status: posted, Kind: kind, BookingDate: &date.Date{Year: 2026, Month: 3, Day: day},
		Amount:       &money.Money{CurrencyCode: "EUR", Units: units, Nanos: nanos},
		CardPurchase: &datav1.CardPurchase{MerchantName: merchant},
	}
}

func with(t *datav1.Transaction, change func(*datav1.Transaction)) *datav1.Transaction {
	change(t)
	return t
}

func eur(c spending.Category, units int64, nanos int32, count int) spending.Slice {
	return spending.Slice{Category: c, Amount: &money.Money{CurrencyCode: "EUR", Units: units, Nanos: nanos}, Count: count}
}

func day(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }

func TestOnlyWhatWasSpentInThePeriodCounts(t *testing.T) {
	for name, c := range map[string]struct {
		have []*datav1.Transaction
		want []spending.Slice
	}{
		"nothing": {nil, nil},
		"by kind, the largest first": {
			[]*datav1.Transaction{paid(3, purchase, -2, -500_000_000, "MAXIMA X 12"), paid(4, purchase, -30, 0, "BOLT.EU"), paid(5, purchase, -7, -990_000_000, "LIDL")},
			[]spending.Slice{eur(spending.Transport, 30, 0, 1), eur(spending.Food, 10, 490_000_000, 2)},
		},
		"the first day is in, the last is not": {
			[]*datav1.Transaction{paid(2, purchase, -1, 0, "IKI"), paid(3, purchase, -10, 0, "IKI"), paid(9, purchase, -100, 0, "IKI"), paid(10, purchase, -1000, 0, "IKI")},
			[]spending.Slice{eur(spending.Food, 110, 0, 2)},
		},
		"cancelled ones don't count": {
			[]*datav1.Transaction{with(paid(3, purchase, -5, 0, "IKI"), func(t *datav1.Transaction) { t.Status = cancel })},
			nil,
		},
		"a pending one counts once, replaced or not": {
			[]*datav1.Transaction{
				with(paid(3, purchase, -5, 0, "IKI"), func(t *datav1.Transaction) { t.Status, t.TransactionId = pending, "a" }),
				with(paid(4, purchase, -6, 0, "IKI"), func(t *datav1.Transaction) { t.TransactionId, t.Replaces = "b", "a" }),
				with(paid(5, purchase, -1, 0, "IKI"), func(t *datav1.Transaction) { t.Status, t.TransactionId = pending, "c" }),
			},
			[]spending.Slice{eur(spending.Food, 7, 0, 2)},
		},
		"refunds reduce": {
			[]*datav1.Transaction{paid(3, purchase, -5, -100_000_000, "IKI"), paid(4, refund, 2, 200_000_000, "IKI")},
			[]spending.Slice{eur(spending.Food, 2, 900_000_000, 1)},
		},
		"more refunded than spent is less than nothing": {
			[]*datav1.Transaction{paid(3, purchase, -1, 0, "IKI"), paid(4, refund, 2, 500_000_000, "IKI")},
			[]spending.Slice{eur(spending.Food, -1, -500_000_000, 1)},
		},
		"money that came in is not spending": {
			[]*datav1.Transaction{paid(3, datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_IN, 500, 0, "")},
			nil,
		},
		"each currency apart": {
			[]*datav1.Transaction{
				paid(3, purchase, -1, 0, "IKI"),
				with(paid(3, purchase, -9, 0, "TESCO STORES 2"), func(t *datav1.Transaction) { t.Amount.CurrencyCode = "GBP" }),
			},
			[]spending.Slice{eur(spending.Food, 1, 0, 1), {Category: spending.Food, Amount: &money.Money{CurrencyCode: "GBP", Units: 9}, Count: 1}},
		},
		"what is no amount is left out": {
			[]*datav1.Transaction{
				paid(3, purchase, -9_000_000_000_000_000_000, 0, "IKI"), paid(3, purchase, -1, 5, "IKI"),
				with(paid(3, purchase, -1, 0, "IKI"), func(t *datav1.Transaction) { t.Amount = nil }), nil,
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := spending.Of(c.have, day(3), day(10))
			if d := cmp.Diff(c.want, got, protocmp.Transform()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWithoutBoundsEverythingCounts(t *testing.T) {
	got := spending.Of([]*datav1.Transaction{paid(1, purchase, -1, 0, "IKI"), paid(31, purchase, -1, 0, "IKI")}, time.Time{}, time.Time{})
	if d := cmp.Diff([]spending.Slice{eur(spending.Food, 2, 0, 2)}, got, protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

func TestThePlaceOfAPayment(t *testing.T) {
	bought := func(category, merchant string) *datav1.Transaction {
		return with(paid(1, purchase, -1, 0, merchant), func(t *datav1.Transaction) { t.CardPurchase.Category = category })
	}
	said := func(kind datav1.TransactionKind, description, name string) *datav1.Transaction {
		return &datav1.Transaction{Kind: kind, Description: description, Counterparty: &datav1.Counterparty{Name: name}}
	}
	for name, c := range map[string]struct {
		have *datav1.Transaction
		want spending.Category
	}{
		"a code":                             {bought("5411", "SOMEWHERE"), spending.Food},
		"a code at the end of a range":       {bought("4131", ""), spending.Transport},
		"a code before its range":            {bought("5912", ""), spending.Health},
		"a code beats the name":              {bought("5814", "TESCO CAFE"), spending.Restaurants},
		"an unknown code leaves it to words": {bought("0001", "TESCO"), spending.Food},
		"a category in words":                {bought("Groceries", "ABC 12"), spending.Food},
		"a merchant":                         {bought("", "SAINSBURYS SACAT 0872"), spending.Food},
		"a merchant with signs":              {bought("", "MARKS&SPENCER PLC"), spending.Food},
		"a word is whole":                    {bought("", "BUSINESS CENTRE"), spending.Other},
		"a stem is the beginning of a word":  {bought("", "001 TAXIS"), spending.Transport},
		"Lithuanian":                         {bought("", "Vaistinė Nr. 5"), spending.Health},
		"Lithuanian without its marks":       {bought("", "VIESBUTIS"), spending.Travel},
		"Lithuanian with its marks":          {bought("", "Viešbutis Šarūnas"), spending.Travel},
		"nothing is known":                   {bought("", "EYRE & ELLISTON LTD"), spending.Other},
		"a transfer for insurance":           {said(out, "Transfer to another bank, insurance", ""), spending.Insurance},
		"a transfer for the household":       {said(out, "Transfer to another bank, household", ""), spending.Home},
		"a transfer to a company":            {said(out, "", "Telia Lietuva, AB"), spending.Utilities},
		"any other transfer":                 {said(out, "Transfer to another bank", "Jonas"), spending.Transfers},
		"cash for the household":             {said(datav1.TransactionKind_TRANSACTION_KIND_CASH_WITHDRAWAL, "Cash withdrawal, household", ""), spending.Cash},
		"a fee":                              {said(datav1.TransactionKind_TRANSACTION_KIND_FEE, "Payment for statement", ""), spending.Fees},
		"a loan":                             {said(datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYMENT, "", ""), spending.Loans},
		"nothing at all":                     {nil, spending.Other},
	} {
		if got := spending.CategoryOf(c.have); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The sum of the slices is the sum of what was spent, to the last billionth.
func TestTheSlicesAddUpToWhatWasSpent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var have []*datav1.Transaction
		want, payments := map[string]*big.Int{}, 0
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			nanos := rapid.Int64Range(-5_000_000_000_000_000_000, 5_000_000_000_000_000_000).Draw(t, "nanos")
			tx := paid(rapid.Int32Range(1, 31).Draw(t, "day"), rapid.SampledFrom([]datav1.TransactionKind{purchase, refund, out}).Draw(t, "kind"),
				nanos/1e9, int32(nanos%1e9), rapid.SampledFrom([]string{"IKI", "BOLT", "?", "IKEA"}).Draw(t, "merchant"))
			tx.Amount.CurrencyCode = rapid.SampledFrom([]string{"EUR", "GBP"}).Draw(t, "currency")
			tx.Status = rapid.SampledFrom([]datav1.TransactionStatus{posted, pending, cancel}).Draw(t, "status")
			have = append(have, tx)
			if d := tx.BookingDate.Day; d < 5 || d >= 20 || tx.Status == cancel || nanos >= 0 && tx.Kind != refund {
				continue
			}
			if want[tx.Amount.CurrencyCode] == nil {
				want[tx.Amount.CurrencyCode] = new(big.Int)
			}
			want[tx.Amount.CurrencyCode].Sub(want[tx.Amount.CurrencyCode], big.NewInt(nanos))
			if nanos < 0 {
				payments++
			}
		}
		got, count := map[string]*big.Int{}, 0
		for _, s := range spending.Of(have, day(5), day(20)) {
			m := s.Amount
			if m.Units > 0 && m.Nanos < 0 || m.Units < 0 && m.Nanos > 0 || m.Nanos <= -1e9 || m.Nanos >= 1e9 {
				t.Fatalf("%v is no amount", m)
			}
			if got[m.CurrencyCode] == nil {
				got[m.CurrencyCode] = new(big.Int)
			}
			all := new(big.Int).Mul(big.NewInt(m.Units), big.NewInt(1e9))
			got[m.CurrencyCode].Add(got[m.CurrencyCode], all.Add(all, big.NewInt(int64(m.Nanos))))
			count += s.Count
		}
		for c := range want {
			if got[c] == nil || want[c].Cmp(got[c]) != 0 {
				t.Fatalf("%s: the slices add up to %v, spent was %v", c, got[c], want[c])
			}
		}
		if len(got) != len(want) || count != payments {
			t.Fatalf("%d currencies and %d payments, want %d and %d", len(got), count, len(want), payments)
		}
	})
}

func TestEveryCategoryIsListedOnce(t *testing.T) {
	seen := map[spending.Category]bool{}
	for _, c := range spending.Categories() {
		if seen[c] {
			t.Errorf("%s is listed twice", c)
		}
		seen[c] = true
	}
	if len(seen) != 19 {
		t.Errorf("%d categories", len(seen))
	}
}
