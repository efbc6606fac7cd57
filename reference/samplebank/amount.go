package samplebank

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/type/money"
)

// amount is money in hundredths of its currency.
type amount int64

var errAmount = errors.New("not an amount of at most two decimals")

// parseAmount reads "-1,234.5" or ".97" exactly. Commas may only part thousands.
func parseAmount(s string) (amount, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	whole, err := withoutCommas(whole)
	if err != nil || whole == "" && !dotted || len(whole) > 15 || dotted && (fraction == "" || len(fraction) > 2) {
		return 0, fmt.Errorf("%w: %q", errAmount, s)
	}
	var n amount
	for _, c := range whole + (fraction + "00")[:2] {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: %q", errAmount, s)
		}
		n = n*10 + amount(c-'0')
	}
	if negative {
		n = -n
	}
	return n, nil
}

func withoutCommas(whole string) (string, error) {
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if len(groups) > 1 && (i > 0 && len(g) != 3 || i == 0 && (g == "" || len(g) > 3)) {
			return "", errAmount
		}
	}
	return strings.Join(groups, ""), nil
}

// money is the amount as google.type.Money: units and nanos have one sign.
func (a amount) money(currency string) *money.Money {
	const hundredth = 10_000_000 // nanos
	return &money.Money{CurrencyCode: currency, Units: int64(a / 100), Nanos: int32(a % 100 * hundredth)}
}
