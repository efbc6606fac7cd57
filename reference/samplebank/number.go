package samplebank

import (
	"fmt"
	"strconv"
)

// iban is a Czech account number derived from an account's id: real in form and
// check digits, but of a bank code that no bank has.
func iban(bankCode, account int) string {
	bban := fmt.Sprintf("%04d%016d", bankCode, account)
	return fmt.Sprintf("CZ%02d%s", 98-mod97(bban+"123500"), bban) // C=12, Z=35
}

// mod97 is the remainder of ISO 7064 MOD 97-10 over digits.
func mod97(digits string) int {
	r := 0
	for _, c := range digits {
		r = (r*10 + int(c-'0')) % 97
	}
	return r
}

// cardNumber is derived from a card's id: sixteen digits that begin with a
// prefix for tests and end with a right check digit.
func cardNumber(card int) string {
	digits := fmt.Sprintf("400000%09d", card)
	return digits + strconv.Itoa((10-luhn(digits+"0"))%10)
}

// luhn is the sum of ISO/IEC 7812-1's check, modulo ten; 0 for a right number.
func luhn(digits string) int {
	sum := 0
	for i, c := range []byte(digits) {
		d := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum % 10
}

// loanNumber is how the bank writes a loan's number.
func loanNumber(loan int) string { return fmt.Sprintf("LOAN-%08d", loan) }
