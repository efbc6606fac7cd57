package spending

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"

	datav1 "sluice/gen/sluice/data/v1"
)

// Slice is what was spent on one kind of thing in one currency.
type Slice struct {
	Category Category
	// Amount is what was spent: positive, unless more was refunded than spent.
	Amount *money.Money
	// Count is how many payments that were; refunds are not counted.
	Count int
}

// Of groups what was spent on the days from from (inclusive) to to (exclusive); a
// zero time is no bound. Days are those of from's and to's own location.
//
// What left the account counts, pending or posted; refunds reduce their group.
// Cancelled transactions don't count, nor pending ones that another in the list
// replaces. Slices are ordered by currency, the largest first.
func Of(transactions []*datav1.Transaction, from, to time.Time) []Slice {
	replaced := map[string]bool{}
	for _, t := range transactions {
		if t.GetReplaces() != "" {
			replaced[t.GetReplaces()] = true
		}
	}
	groups := map[group]*sum{}
	for _, t := range transactions {
		if !Counts(t) || !within(t.GetBookingDate(), from, to) {
			continue
		}
		if t.GetStatus() == datav1.TransactionStatus_TRANSACTION_STATUS_PENDING && replaced[t.GetTransactionId()] {
			continue
		}
		g := group{t.GetAmount().GetCurrencyCode(), CategoryOf(t)}
		if groups[g] == nil {
			groups[g] = &sum{}
		}
		groups[g].spend(t.GetAmount())
	}
	return ordered(groups)
}

// Counts reports whether a transaction is spending, or the refund of spending.
func Counts(t *datav1.Transaction) bool {
	m := t.GetAmount()
	if t.GetStatus() == datav1.TransactionStatus_TRANSACTION_STATUS_CANCELLED || !sound(m) {
		return false
	}
	return negative(m) || t.GetKind() == datav1.TransactionKind_TRANSACTION_KIND_REFUND
}

type group struct {
	currency string
	category Category
}

func ordered(groups map[group]*sum) []Slice {
	var out []Slice
	for g, s := range groups {
		out = append(out, Slice{g.category, s.money(g.currency), s.count})
	}
	slices.SortFunc(out, func(a, b Slice) int {
		return cmp.Or(
			cmp.Compare(a.Amount.GetCurrencyCode(), b.Amount.GetCurrencyCode()),
			cmp.Compare(b.Amount.GetUnits(), a.Amount.GetUnits()),
			cmp.Compare(b.Amount.GetNanos(), a.Amount.GetNanos()),
			cmp.Compare(a.Category, b.Category),
		)
	})
	return out
}

// within reports whether a day lies in the period. A transaction without a day lies
// in none that has a bound.
func within(d *date.Date, from, to time.Time) bool {
	in := func(where *time.Location) time.Time {
		return time.Date(int(d.GetYear()), time.Month(d.GetMonth()), int(d.GetDay()), 0, 0, 0, 0, where)
	}
	if d == nil {
		return from.IsZero() && to.IsZero()
	}
	return (from.IsZero() || !in(from.Location()).Before(from)) && (to.IsZero() || in(to.Location()).Before(to))
}
