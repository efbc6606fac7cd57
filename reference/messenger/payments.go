package messenger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/messenger/intent"
)

const (
	maxPages  = 20 // of transactions, for one account and question
	pageSize  = 500
	someCount = 10 // payments, if no number is asked for
	mostCount = 50
)

// payments are an answer.
type payments struct {
	Title string // a text
	Rows  []payment
}

type payment struct {
	On      time.Time
	With    string // who was paid, as the bank has it
	Amount  *moneypb.Money
	Pending bool
}

func (m *Messenger) pullPayments(ctx context.Context, s *sharing, q intent.Question) (found, error) {
	what, _ := paymentsFor(q.Intent)
	of := m.covered(s, "TRANSACTIONS_BASIC")
	if len(of) == 0 {
		return found{}, errNothingShared
	}
	count := q.Count
	if count <= 0 || count > mostCount {
		count = someCount
	}
	f, out := found{what: whatPayments}, payments{Title: what.title}
	for _, account := range of {
		enough := func(got []*datav1.Transaction) bool { return len(rows(what, got)) >= count }
		txs, err := m.transactions(ctx, s, account, m.reach(s, q), enough)
		if err != nil {
			return found{}, err
		}
		out.Rows = append(out.Rows, rows(what, txs)...)
		f.needs = append(f.needs, needs(account, nil, m.kinds(s, account)...)...)
	}
	slices.SortStableFunc(out.Rows, func(a, b payment) int { return b.On.Compare(a.On) })
	out.Rows = slices.Clone(out.Rows[:min(count, len(out.Rows))])
	f.value = out
	return f, nil
}

func rows(what shown, txs []*datav1.Transaction) []payment {
	if what.pick != nil {
		txs = what.pick(txs)
	}
	var out []payment
	for _, t := range txs {
		if t.GetStatus() != datav1.TransactionStatus_TRANSACTION_STATUS_CANCELLED {
			out = append(out, payment{On: dayOf(t.GetBookingDate()), With: with(t), Amount: t.GetAmount(), Pending: pending(t)})
		}
	}
	return out
}

// kinds is what an account shares of its transactions.
func (m *Messenger) kinds(s *sharing, account string) []string {
	kinds := []string{"TRANSACTIONS_BASIC"}
	for _, k := range []string{"TRANSACTIONS_DETAILED", "CARD_TRANSACTIONS"} {
		if slices.Contains(m.covered(s, k), account) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// with says who was paid or for what, as far as that is shared.
func with(t *datav1.Transaction) string {
	for _, text := range []string{t.GetCardPurchase().GetMerchantName(), t.GetCounterparty().GetName(), t.GetDescription()} {
		if text != "" {
			return text
		}
	}
	return ""
}

// days are the first and the last day that something is asked of.
type days struct {
	first, last time.Time
	open        bool // last is today, which is tomorrow already where some bank is
}

// until is the last day to ask for; nil: the latest there is.
func (d days) until() *date.Date {
	if d.open {
		return nil
	}
	return dateOf(d.last)
}

// reach is the days that a question names, as far as the consent reaches: until
// today, and as far back as was agreed.
func (m *Messenger) reach(s *sharing, q intent.Question) days {
	m.mu.Lock()
	defer m.mu.Unlock()
	today := dateOnly(m.config.Now().UTC())
	d := days{first: today.AddDate(0, 0, 1-int(s.given.GetLookBackDays())), last: today, open: true}
	if from := dateOnly(q.From); !q.From.IsZero() && from.After(d.first) {
		d.first = from
	}
	if last := dateOnly(q.To).AddDate(0, 0, -1); !q.To.IsZero() && last.Before(d.last) {
		d.last, d.open = last, false
	}
	return d
}

// dateOnly is a day of whatever place as such.
func dateOnly(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// transactions are those of one account, newest first. enough ends it early.
func (m *Messenger) transactions(ctx context.Context, s *sharing, account string, d days, enough func([]*datav1.Transaction) bool) ([]*datav1.Transaction, error) {
	if d.last.Before(d.first) {
		return nil, nil
	}
	var out []*datav1.Transaction
	token := ""
	for range maxPages {
		got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.ListTransactionsResponse, error) {
			return m.accounts.ListTransactions(ctx, &partnerv1.ListTransactionsRequest{
				Access: a, AccountId: account, FromDate: dateOf(d.first), ToDate: d.until(), PageSize: pageSize, PageToken: token,
			})
		})
		if err != nil {
			return nil, fmt.Errorf("list transactions: %w", err)
		}
		out = append(out, got.GetAccount().GetTransactions()...)
		if token = got.GetNextPageToken(); token == "" || enough != nil && enough(out) {
			return out, nil
		}
	}
	return out, nil
}
