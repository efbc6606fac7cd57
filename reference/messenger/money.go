package messenger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/messenger/holding"
)

// What is held, as customers are told of it in the texts.
const (
	whatBalances     = "balances"
	whatSpending     = "spending"
	whatPayments     = "payments"
	whatAccount      = "account"
	whatAlert        = "alert"
	whatConversation = "conversation"
	whatMessage      = "message"
)

// accountName is how an account is called.
type accountName struct{ Name, Number string }

func (n accountName) full() string { return strings.TrimSpace(n.Name + " " + n.Number) }

// balances are an answer.
type balances struct {
	Rows   []balance
	Totals []*moneypb.Money // by currency, where there is more than one account
}

type balance struct {
	Account           accountName
	Available, Booked *moneypb.Money
}

// names are the names of a consent's accounts, of those whose names are shared.
func (m *Messenger) names(ctx context.Context, s *sharing) (map[string]accountName, error) {
	names := map[string]accountName{}
	if len(m.covered(s, "ACCOUNT_BASIC")) == 0 {
		return names, nil
	}
	got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.ListAccountsResponse, error) {
		return m.accounts.ListAccounts(ctx, &partnerv1.ListAccountsRequest{Access: a})
	})
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	for _, a := range got.GetAccounts() {
		names[a.GetAccountId()] = accountName{a.GetDisplayName(), a.GetNumber()}
	}
	return names, nil
}

// covered is the accounts that share a kind of data, in the consent's order.
func (m *Messenger) covered(s *sharing, kind string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.standing != live {
		return nil
	}
	covers := termsOf(s.given).Covers
	return slices.DeleteFunc(slices.Clone(s.accounts), func(id string) bool {
		return !slices.Contains(covers, holding.Cover{Account: id, Kind: kind})
	})
}

// needs is what an answer about an account must be covered by.
func needs(account string, names map[string]accountName, kinds ...string) []holding.Cover {
	if _, named := names[account]; named {
		kinds = append(kinds, "ACCOUNT_BASIC")
	}
	var out []holding.Cover
	for _, k := range kinds {
		out = append(out, holding.Cover{Account: account, Kind: k})
	}
	return out
}

func (m *Messenger) pullBalances(ctx context.Context, s *sharing) (found, error) {
	if len(m.covered(s, "BALANCES")) == 0 {
		return found{}, errNothingShared
	}
	names, err := m.names(ctx, s)
	if err != nil {
		return found{}, err
	}
	got, err := call(ctx, m, s, func(ctx context.Context, a *partnerv1.Access) (*partnerv1.ListBalancesResponse, error) {
		return m.accounts.ListBalances(ctx, &partnerv1.ListBalancesRequest{Access: a})
	})
	if err != nil {
		return found{}, fmt.Errorf("list balances: %w", err)
	}
	f, out := found{what: whatBalances}, balances{}
	var sums []*moneypb.Money
	for _, a := range got.GetAccounts() {
		row := balance{Account: names[a.GetAccountId()]}
		for _, b := range a.GetBalances() {
			switch b.GetType() {
			case datav1.BalanceType_BALANCE_TYPE_INTERIM_AVAILABLE:
				row.Available = b.GetAmount()
			case datav1.BalanceType_BALANCE_TYPE_INTERIM_BOOKED, datav1.BalanceType_BALANCE_TYPE_CLOSING_BOOKED:
				row.Booked = b.GetAmount()
			default:
			}
		}
		if row.Available != nil {
			sums = add(sums, row.Available)
		}
		out.Rows = append(out.Rows, row)
		f.needs = append(f.needs, needs(a.GetAccountId(), names, "BALANCES")...)
	}
	if len(out.Rows) == 0 {
		return found{}, errNothingShared
	}
	if len(out.Rows) > 1 {
		out.Totals = sums
	}
	f.value = out
	return f, nil
}

func dateOf(t time.Time) *date.Date {
	return &date.Date{Year: int32(t.Year()), Month: int32(t.Month()), Day: int32(t.Day())}
}

func dayOf(d *date.Date) time.Time {
	return time.Date(int(d.GetYear()), time.Month(d.GetMonth()), int(d.GetDay()), 0, 0, 0, 0, time.UTC)
}

// billion is how many nanos make a unit.
const billion = 1_000_000_000

// add adds an amount to the sum of its currency.
func add(sums []*moneypb.Money, a *moneypb.Money) []*moneypb.Money {
	i := slices.IndexFunc(sums, func(s *moneypb.Money) bool { return s.GetCurrencyCode() == a.GetCurrencyCode() })
	if i < 0 {
		return append(sums, &moneypb.Money{CurrencyCode: a.GetCurrencyCode(), Units: a.GetUnits(), Nanos: a.GetNanos()})
	}
	nanos := int64(sums[i].GetNanos()) + int64(a.GetNanos())
	units := sums[i].GetUnits() + a.GetUnits() + nanos/billion
	nanos %= billion
	// Both have the same sign.
	if units > 0 && nanos < 0 {
		units, nanos = units-1, nanos+billion
	} else if units < 0 && nanos > 0 {
		units, nanos = units+1, nanos-billion
	}
	sums[i].Units, sums[i].Nanos = units, int32(nanos)
	return sums
}
