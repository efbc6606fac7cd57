package messenger

import (
	"context"
	"slices"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"

	datav1 "sluice/gen/sluice/data/v1"
	"sluice/reference/messenger/intent"
	"sluice/reference/messenger/spending"
)

// spendingFor is how many days are told of if no time is asked for.
const spendingFor = 30

// spent is an answer: what was spent, by category, in each currency.
type spent struct {
	From, To   time.Time // the first and the last day
	Category   string    // the one that was asked for, "" for all
	Currencies []spentIn
}

type spentIn struct {
	Total *moneypb.Money
	Rows  []spentOn
}

type spentOn struct {
	Category string
	Amount   *moneypb.Money
	Count    int
	Bar      int // of the largest, in per cent: the length of the bar
	Percent  int // of all
}

func (m *Messenger) pullSpending(ctx context.Context, s *sharing, q intent.Question) (found, error) {
	of := m.covered(s, "TRANSACTIONS_BASIC")
	d := m.reach(s, q)
	if q.From.IsZero() {
		if some := d.last.AddDate(0, 0, 1-spendingFor); some.After(d.first) {
			d.first = some
		}
	}
	switch {
	case len(of) == 0:
		return found{}, errNothingShared
	case d.last.Before(d.first):
		return found{}, errNotBack
	}
	f := found{what: whatSpending}
	var all []*datav1.Transaction
	for _, account := range of {
		txs, err := m.transactions(ctx, s, account, d, nil)
		if err != nil {
			return found{}, err
		}
		all = append(all, txs...)
		f.needs = append(f.needs, needs(account, nil, m.kinds(s, account)...)...)
	}
	f.value = spentOf(spending.Of(all, d.first, d.last.AddDate(0, 0, 1)), d, q.Category)
	return f, nil
}

// spentOf makes a picture of what was spent: all of it, or one category.
func spentOf(slicesOf []spending.Slice, d days, category string) spent {
	out := spent{From: d.first, To: d.last, Category: category}
	for _, s := range slicesOf {
		if category != "" && string(s.Category) != category {
			continue
		}
		currency := s.Amount.GetCurrencyCode()
		i := slices.IndexFunc(out.Currencies, func(in spentIn) bool { return in.Total.GetCurrencyCode() == currency })
		if i < 0 {
			i = len(out.Currencies)
			out.Currencies = append(out.Currencies, spentIn{Total: &moneypb.Money{CurrencyCode: currency}})
		}
		in := &out.Currencies[i]
		in.Total = add([]*moneypb.Money{in.Total}, s.Amount)[0]
		in.Rows = append(in.Rows, spentOn{Category: string(s.Category), Amount: s.Amount, Count: s.Count})
	}
	for _, in := range out.Currencies {
		most := int64(1)
		for _, r := range in.Rows {
			most = max(most, r.Amount.GetUnits())
		}
		for i, r := range in.Rows {
			units := max(0, r.Amount.GetUnits())
			in.Rows[i].Bar = int(100 * units / most)
			in.Rows[i].Percent = int(min(100, 100*units/max(1, in.Total.GetUnits())))
		}
	}
	return out
}

func abs(n int64) int64 { return max(n, -n) }
