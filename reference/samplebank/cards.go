package samplebank

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	datav1 "sluice/gen/sluice/data/v1"
)

// loadCards makes a card account for each card there is by the horizon, and
// deals the purchases out to them.
func (d *Data) loadCards() error {
	accountOf, err := d.ownersByDisposition()
	if err != nil {
		return err
	}
	var cards []*account
	// Columns: card_id, disp_id, type, issued.
	err = rows("berka-card", ';', func(r []string) error {
		issued, err := parseBerkaDay(r[3])
		if err != nil || issued > horizon {
			return err
		}
		holder, ok := accountOf[r[1]]
		if !ok {
			return nil
		}
		number, err := strconv.Atoi(r[0])
		if err != nil {
			return fmt.Errorf("card: %w", err)
		}
		product := strings.ToUpper(r[2][:1]) + r[2][1:] + " card"
		cards = append(cards, &account{
			id: "C" + r[0], bank: holder.bank, kind: datav1.AccountKind_ACCOUNT_KIND_CARD, name: product,
			number: cardNumber(number), currency: "GBP", opened: issued, holders: holder.holders,
			card: &card{number: cardNumber(number), product: product, issued: issued},
		})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(cards, func(a, b *account) int { return cmp.Compare(a.opened, b.opened) })
	if err := deal(cards); err != nil {
		return err
	}
	for _, a := range cards {
		d.add(a)
	}
	return nil
}

// cardHolder is who holds a card, and at which bank.
type cardHolder struct {
	bank    int
	holders []holder
}

// ownersByDisposition finds the holder of a card by the disposition it hangs on.
func (d *Data) ownersByDisposition() (map[string]cardHolder, error) {
	out := map[string]cardHolder{}
	err := rows("berka-disp", ';', func(r []string) error {
		if a, ok := d.accounts["A"+r[2]]; ok {
			out[strings.Clone(r[0])] = cardHolder{a.bank, []holder{{strings.Clone(r[1]), datav1.HolderRole_HOLDER_ROLE_OWNER}}}
		}
		return nil
	})
	return out, err
}

// purchase is one line of a card's statement.
type purchase struct {
	id       string
	day      day
	amount   amount // spent; less than zero where money came back
	merchant string
}

// deal gives each purchase, in the order of days, to one of the cards that were
// issued by then, in turn. Purchases before the first card are left out.
func deal(cards []*account) error {
	all, err := purchases()
	if err != nil {
		return err
	}
	turn := 0
	for _, p := range all {
		issued := 0
		for issued < len(cards) && cards[issued].opened <= p.day {
			issued++
		}
		if issued == 0 {
			continue
		}
		a := cards[turn%issued]
		turn++
		a.transactions = append(a.transactions, p.transaction(a))
	}
	return nil
}

func (p purchase) transaction(a *account) transaction {
	t := transaction{
		id: p.id, day: p.day, amount: -p.amount, merchant: p.merchant, description: p.merchant,
		kind: datav1.TransactionKind_TRANSACTION_KIND_CARD_PURCHASE,
	}
	switch {
	case p.merchant == "": // one line: the account was paid off
		t.kind, t.description = datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_IN, "Payment received"
	case p.amount < 0:
		t.kind = datav1.TransactionKind_TRANSACTION_KIND_REFUND
	}
	if n := len(a.transactions); n > 0 {
		t.balance = a.transactions[n-1].balance
	}
	t.balance += t.amount
	return t
}

// purchases are all there are, oldest first.
func purchases() ([]purchase, error) {
	var out []purchase
	for _, month := range []string{"oct-nov-2017", "december-2017", "january-2018", "february-2018"} {
		line := 0
		// Columns: date, merchant, amount.
		err := rows("oxford-"+month, ',', func(r []string) error {
			line++
			if len(r) < 3 || strings.Join(r, "") == "" {
				return nil
			}
			on, err := parseOxfordDay(r[0])
			if err != nil {
				return err
			}
			spent, err := parseAmount(strings.TrimSpace(r[2]))
			if err != nil {
				return err
			}
			merchant := strings.Join(strings.Fields(r[1]), " ")
			if !utf8.ValidString(merchant) {
				return errors.New("merchant is not UTF-8")
			}
			out = append(out, purchase{fmt.Sprintf("P-%s-%d", month, line), on, spent, merchant})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b purchase) int { return cmp.Compare(a.day, b.day) })
	return out, nil
}
