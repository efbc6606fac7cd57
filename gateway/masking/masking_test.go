package masking_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/gateway/masking"
)

func TestNumbersAndCodesAreMasked(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a card":                         {"my card 4000000000000002 please", "my card ••••••••••••0002 please"},
		"a card in groups":               {"4000 0000 0000 0002", "•••• •••• •••• 0002"},
		"a card with dashes":             {"4000-0000-0000-0002.", "••••-••••-••••-0002."},
		"a card of fifteen digits":       {"378282246310005", "•••••••••••0005"},
		"a card, each digit alone":       {"4 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2", "• • • • • • • • • • • • 0 0 0 2"},
		"a card after another number":    {"12 4000000000000002", "•• ••••••••••••0002"},
		"a card over lines":              {"4000\n0000\n0000\n0002", "••••\n••••\n••••\n0002"},
		"full-width digits":              {"４０００ ００００ ００００ ０００２", "•••• •••• •••• ０００２"},
		"Arabic-Indic digits":            {"٤٠٠٠٠٠٠٠٠٠٠٠٠٠٠٢", "••••••••••••٠٠٠٢"},
		"zero-width spaces":              {"4000\u200b0000\u200b0000\u200b0002", "••••••••••••0002"},
		"keycaps":                        {"4\ufe0f\u20e30\ufe0f\u20e300 0000 0000 0002", "•••• •••• •••• 0002"},
		"letters that look like digits":  {"4OOO 0OO0 o000 00O2", "•••• •••• •••• 00O2"},
		"a card in words":                {"four zero zero zero, 000000000002", "• • • •, ••••••••0002"},
		"a card far apart":               {"4000    0000    0000    0002", "••••    ••••    ••••    0002"},
		"a card with long dashes":        {"4000 ----- 0000 ----- 0000 ----- 0002", "•••• ----- •••• ----- •••• ----- 0002"},
		"an IBAN far apart":              {"GB82     WEST     1234     5698     7654     32", "GB••     ••••     ••••     ••••     ••54     32"},
		"a card with emphasis":           {"*4000* *0000* *0000* *0002*", "*••••* *••••* *••••* *0002*"},
		"an IBAN":                        {"to CZ6508000000192000145399, thanks", "to CZ••••••••••••••••••5399, thanks"},
		"an IBAN in groups":              {"lt12 1000 0111 0100 1000", "lt•• •••• •••• •••• 1000"},
		"an IBAN with letters":           {"GB82 WEST 1234 5698 7654 32", "GB•• •••• •••• •••• ••54 32"},
		"an account's number":            {"account 19-2000145399/0800", "account ••-••••••••••/0800"},
		"a short account's number":       {"from 12345678", "from ••••5678"},
		"a code":                         {"the code is 482915", "the code is ••••••"},
		"a code before its word":         {"482 915 is my one-time code", "••• ••• is my one-time code"},
		"a code alone":                   {" 482915 ", " •••••• "},
		"a code in words":                {"my pin: one two three four", "my pin: • • • •"},
		"a code in Lithuanian":           {"kodas yra vienas du trys keturi", "kodas yra • • • •"},
		"a code with dashes":             {"OTP 4-8-2-9-1-5", "OTP •-•-•-•-•-•"},
		"a code with letters":            {"your code is G7X92K", "your code is ••••••"},
		"a password":                     {"Slaptažodis: tulpe", "Slaptažodis: •••••"},
		"more than one":                  {"4000000000000002 and 482915 is the code", "••••••••••••0002 and •••••• is the code"},
		"a PIN beside the last four":     {"PIN 1234", "PIN ••••"},
		"a card's three digits":          {"CVV 123, exp 12/27", "CVV •••, exp ••/••"},
		"a security code":                {"the security code is 123", "the security code is •••"},
		"a code in Lithuanian of a card": {"saugos kodas 123", "saugos kodas •••"},
		"a card with a code of the card": {"4000 0000 0000 0002 cvv 1234", "•••• •••• •••• 0002 cvv ••••"},
	} {
		got, found := masking.Text(c.text, 0)
		if got != c.want || found == 0 {
			t.Errorf("%s: Text(%q) = %q, %d; want %q", name, c.text, got, found, c.want)
		}
	}
}

func TestWhatPeopleSayOfMoneyIsLeftAlone(t *testing.T) {
	for _, text := range []string{
		"",
		"Hello, how much do I have?",
		"I paid 1 250 000.00 CZK on 2026-11-25 at 12:30.",
		"Between 01.10.2026 and 31.10.2026, you paid 12.50, 13.20, 40.00 and 9.99.",
		"1,234,567.89 or 1.234.567,89 or 1 234 567",
		"12345678.90 EUR",
		"Call us: +370 612 34567",
		"The transaction of 2026-11-25 12:30:15",
		"In 2025 and 2026 it was 3500 and 4200.",
		"Card ending in 1234 was blocked.",
		"Kodėl nuskaičiavo 2500 eurų?",
		"One or two of the three are mine.",
		"My dog is 7, my cat 12.",
		"•••• •••• •••• 0002",
		"A fee of 45.00 for the code",
	} {
		if got, found := masking.Text(text, 0); got != text || found != 0 {
			t.Errorf("Text(%q) = %q, %d; want it as it is", text, got, found)
		}
	}
}

// What one side may read the other may too: the bank's answer is masked again.
func TestWhatWasMaskedIsNotMaskedAgain(t *testing.T) {
	for _, text := range []string{
		"card 4000 0000 0000 0002 pin 1234", "pin: 1234 and my card 4000000000000002", "card 4000-0000-0000-0002, code 482915",
		"kodas 123456, CZ65 0800 0000 1920 0014 5399", "GB82 WEST 1234 5698 7654 32, the code: 4000000000000002",
		"account 19-2000145399/0800 with code 12 34",
	} {
		once, found := masking.Text(text, 0)
		if again, more := masking.Text(once, 0); found == 0 || again != once || more != 0 {
			t.Errorf("Text(%q) = %q, and again %q", text, once, again)
		}
	}
}

func TestABankLetsPassWhatItNames(t *testing.T) {
	const text = "card 4000000000000002, account CZ6508000000192000145399, the code is 482915"
	for pass, want := range map[masking.Pass]string{
		masking.CardNumbers | masking.AccountNumbers | masking.Codes: text,
		masking.CardNumbers | masking.AccountNumbers:                 strings.Replace(text, "482915", "••••••", 1),
		masking.AccountNumbers | masking.Codes:                       strings.Replace(text, "400000000000", "••••••••••••", 1),
		masking.CardNumbers | masking.Codes:                          strings.Replace(text, "650800000019200014", "••••••••••••••••••", 1),
	} {
		if got, _ := masking.Text(text, pass); got != want {
			t.Errorf("Text(…, %b) = %q, want %q", pass, got, want)
		}
	}
}

func TestMaskingNeverMakesATextLonger(t *testing.T) {
	text := strings.Repeat("4000000000000002 code 482915 ", 100)
	got, _ := masking.Text(text, 0)
	if utf8.RuneCountInString(got) > utf8.RuneCountInString(text) {
		t.Errorf("%d characters became %d", utf8.RuneCountInString(text), utf8.RuneCountInString(got))
	}
}
