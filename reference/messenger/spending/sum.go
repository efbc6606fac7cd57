package spending

import "google.golang.org/genproto/googleapis/type/money"

const (
	nanosPerUnit = 1_000_000_000
	// most is the largest amount taken for money. No payment is larger, and millions
	// of such still fit into a sum.
	most = 1_000_000_000_000
)

// sum is money spent, in whole units and billionths, and how many payments it was.
type sum struct {
	units, nanos int64
	count        int
}

// spend adds a transaction's amount, which is negative when money was spent.
func (s *sum) spend(m *money.Money) {
	s.units -= m.GetUnits()
	s.nanos -= int64(m.GetNanos())
	s.units += s.nanos / nanosPerUnit
	s.nanos %= nanosPerUnit
	if negative(m) {
		s.count++
	}
}

// money gives units and nanos the same sign, as the contract wants.
func (s *sum) money(currency string) *money.Money {
	units, nanos := s.units, s.nanos
	switch {
	case units > 0 && nanos < 0:
		units, nanos = units-1, nanos+nanosPerUnit
	case units < 0 && nanos > 0:
		units, nanos = units+1, nanos-nanosPerUnit
	}
	return &money.Money{CurrencyCode: currency, Units: units, Nanos: int32(nanos)}
}

func negative(m *money.Money) bool { return m.GetUnits() < 0 || m.GetNanos() < 0 }

// sound reports whether an amount is one: in bounds, and of one sign.
func sound(m *money.Money) bool {
	units, nanos := m.GetUnits(), m.GetNanos()
	return m != nil && units > -most && units < most && nanos > -nanosPerUnit && nanos < nanosPerUnit &&
		(units <= 0 || nanos >= 0) && (units >= 0 || nanos <= 0)
}
