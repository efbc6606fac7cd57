package spending

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	datav1 "sluice/gen/sluice/data/v1"
)

// Category is a kind of goods or service, as people speak of it.
type Category string

// The kinds there are.
const (
	Food          Category = "food"
	Restaurants   Category = "restaurants"
	Transport     Category = "transport"
	Travel        Category = "travel"
	Home          Category = "home"
	Utilities     Category = "utilities"
	Shopping      Category = "shopping"
	Clothes       Category = "clothes"
	Health        Category = "health"
	Entertainment Category = "entertainment"
	Software      Category = "software"
	Education     Category = "education"
	Insurance     Category = "insurance"
	State         Category = "state" // taxes, courts, licences, councils
	Cash          Category = "cash"
	Transfers     Category = "transfers"
	Loans         Category = "loans"
	Fees          Category = "fees"
	Other         Category = "other" // not known
)

// Categories are all there are, in the order of a list.
func Categories() []Category {
	return []Category{
		Food, Restaurants, Transport, Travel, Home, Utilities, Shopping, Clothes, Health, Entertainment,
		Software, Education, Insurance, State, Cash, Transfers, Loans, Fees, Other,
	}
}

// CategoryOf places a transaction. Kinds that say all by themselves (cash, fees,
// loans) come first; then what the bank says was bought, by code or in words; then
// the merchant's name and the statement's words.
func CategoryOf(t *datav1.Transaction) Category {
	switch t.GetKind() {
	case datav1.TransactionKind_TRANSACTION_KIND_CASH_WITHDRAWAL:
		return Cash
	case datav1.TransactionKind_TRANSACTION_KIND_FEE, datav1.TransactionKind_TRANSACTION_KIND_PENALTY_INTEREST, datav1.TransactionKind_TRANSACTION_KIND_INTEREST:
		return Fees
	case datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYMENT:
		return Loans
	default:
	}
	bought := t.GetCardPurchase()
	if c, ok := byCode(bought.GetCategory()); ok {
		return c
	}
	for _, text := range []string{bought.GetCategory(), bought.GetMerchantName(), t.GetDescription(), t.GetCounterparty().GetName()} {
		if c, ok := byWords(text); ok {
			return c
		}
	}
	if t.GetKind() == datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_OUT {
		return Transfers
	}
	return Other
}

// byCode reads a merchant category code of ISO 18245: four digits.
func byCode(code string) (Category, bool) {
	n, err := strconv.Atoi(code)
	if err != nil || len(code) != 4 {
		return "", false
	}
	for _, r := range codes() {
		if n >= r.from && n <= r.to {
			return r.category, true
		}
	}
	return "", false
}

// byWords finds the first of the known words in a text.
func byWords(text string) (Category, bool) {
	if text == "" {
		return "", false
	}
	padded := " " + strings.Join(strings.FieldsFunc(plain(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ") + " "
	for _, known := range knownWords() {
		for word := range strings.SplitSeq(known.words, ", ") {
			stem, open := strings.CutSuffix(word, "*")
			if strings.Contains(padded, " "+stem) && (open || strings.Contains(padded, " "+stem+" ")) {
				return known.category, true
			}
		}
	}
	return "", false
}

// plain is a text in lower case without the marks on its letters: statements are
// printed with and without them.
func plain(text string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(text)))
}
