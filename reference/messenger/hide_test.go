package messenger_test

import (
	"testing"

	"sluice/reference/messenger"
)

func TestNumbersOfCardsAndCodesAreLeftOut(t *testing.T) {
	for text, want := range map[string]string{
		"my card is 4111 1111 1111 1111, block it":       "my card is •••• •••• •••• 1111, block it",
		"4111-1111-1111-1111":                            "••••-••••-••••-1111",
		"4111.1111.1111.1111":                            "••••.••••.••••.1111",
		"4111\u00a01111\u00a01111\u00a01111":             "••••\u00a0••••\u00a0••••\u00a01111",
		"4111111111111111.50":                            "••••••••••••••11.50",
		"4111 1111 1111 1111,50":                         "•••• •••• •••• 1111,50",
		"LT12 1000 0111 0100 1000":                       "LT•• •••• •••• •••• 1000",
		"12345678":                                       "••••5678",
		"my pin is 1234":                                 "my pin is ••••",
		"PIN:1234, CVV 987":                              "PIN:••••, CVV •••",
		"the code for it was 123 456":                    "the code for it was ••• •••",
		"mano kodą 123456 pamiršau":                      "mano kodą •••••• pamiršau",
		"What did I spend from 2026-01-01 to 2026-02-01": "",
		"between 01.10.2026 - 31.10.2026":                "",
		"2026-10-01 2026-10-31 500":                      "",
		"did 12 345 678,50 arrive":                       "",
		"did 12345678.50 arrive":                         "",
		"1.234.567.89":                                   "",
		"1234567":                                        "",
		"opinion 1234":                                   "",
		"How much do I have?":                            "",
	} {
		same := want == ""
		if same {
			want = text
		}
		if got, left := messenger.Hide(text); got != want || left == same {
			t.Errorf("of %q there is left %q, %t; it should be %q", text, got, left, want)
		}
	}
}

func TestANumberIsLeftOutBeforeAnythingIsDoneWithIt(t *testing.T) {
	w := newWorld(t)
	w.g.balances = append(w.g.balances, balanceOf(account1, 42))
	w.connect("morava", "money")
	consent := w.connect("morava", "service")
	const said = "A number was left out. Never write card numbers or codes here."
	w.post("/ask", "text", "How much do I have?").mustNot(t, said)
	page := w.post("/ask", "text", "How much do I have on 4111 1111 1111 1111, pin 9876?")
	page.must(t, "How much do I have on •••• •••• •••• 1111, pin ••••?", said, "42.50")
	page.mustNot(t, "4111 1111", "pin 9876")
	passed := w.post("/ask", "text", "colourless green 4111111111111111 ideas")
	passed.must(t, `action="/talk/`+consent+`"`, `value="colourless green ••••••••••••1111 ideas"`)
	passed.mustNot(t, "41111111")
}
