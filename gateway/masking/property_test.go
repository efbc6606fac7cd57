package masking_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sluice/gateway/masking"
)

// scripts are zeros, each followed by its nine other digits.
var scripts = []rune{'0', '０', '٠', '۰', '०', '𝟎', '𝟘', '𝟬'}

var english = []string{"zero", "one", "Two", "three", "FOUR", "five", "six", "seven", "eight", "nine"}

var lithuanian = []string{"nulis", "vienas", "du", "trys", "keturi", "penki", "šeši", "septyni", "aštuoni", "devyni"}

var separators = []string{"", " ", "-", ".", "/", " - ", "\u00a0", "\u200b", "_", "\t", "*", "|", "\u2009", "·", "–", "\ufe0f", "      ", " ---- "}

// oddly spells digits in one of many ways, the same way all along.
func oddly(t *rapid.T, digits string, sizes ...int) string {
	sep := rapid.SampledFrom(separators).Draw(t, "separator")
	size := rapid.SampledFrom(append(sizes, 1, 2, 4, len(digits))).Draw(t, "group")
	style := rapid.IntRange(0, len(scripts)+1).Draw(t, "style")
	if style >= len(scripts) {
		size = 1
		if strings.Trim(sep, "\u200b\ufe0f") == "" {
			sep = " " // words need something between them
		}
	}
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && i%size == 0 {
			out.WriteString(sep)
		}
		switch n := int(d - '0'); style {
		case len(scripts):
			out.WriteString(english[n])
		case len(scripts) + 1:
			out.WriteString(lithuanian[n])
		default:
			out.WriteRune(scripts[style] + rune(n))
		}
	}
	return out.String()
}

// around puts words before and after.
func around(t *rapid.T, s string) string {
	words := []string{"", "please look at ", "Sveiki, mano kortelė: ", "I paid 12.50 EUR with ", "on 2026-11-25: "}
	behind := []string{"", " thanks", ", ačiū!", ". What now?", " (mine)"}
	return rapid.SampledFrom(words).Draw(t, "before") + s + rapid.SampledFrom(behind).Draw(t, "after")
}

// left counts readable digits, in any spelling that oddly knows.
func left(text string) int {
	n := 0
	for _, r := range text {
		for _, zero := range scripts {
			if zero <= r && r <= zero+9 {
				n++
				break
			}
		}
	}
	lower := strings.ToLower(text)
	for i := range 10 {
		n += strings.Count(lower, strings.ToLower(english[i])) + strings.Count(lower, lithuanian[i])
	}
	return n
}

// hidden holds that no more than so many digits of a text stay readable, beside
// those that the words around it have.
func hidden(t *rapid.T, spelled string, most int) {
	text := around(t, spelled)
	most += left(text) - left(spelled)
	got, found := masking.Text(text, 0)
	if found == 0 || left(got) > most {
		t.Fatalf("Text(%q) = %q, %d: %d digits left, more than %d", text, got, found, left(got), most)
	}
	if again, _ := masking.Text(got, 0); again != got {
		t.Fatalf("Text(%q) = %q, and again %q", text, got, again)
	}
}

func TestACardIsMaskedHoweverItIsSpelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := strconv.Itoa(rapid.IntRange(2, 6).Draw(t, "first")) +
			rapid.StringMatching(`[0-9]{14}`).Draw(t, "digits")
		for check := range 10 {
			if d := digits + strconv.Itoa(check); luhn(d) {
				hidden(t, oddly(t, d, 3), 4)
			}
		}
	})
}

func luhn(digits string) bool {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return sum%10 == 0
}

func TestAnAccountIsMaskedHoweverItIsSpelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hidden(t, oddly(t, rapid.StringMatching(`[1-9][0-9]{9,16}`).Draw(t, "account")), 4)
	})
}

func TestAnIBANIsMaskedHoweverItIsSpelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bban := rapid.StringMatching(`[0-9]{20}`).Draw(t, "bban")
		rest := 0
		for _, c := range bban + "123500" { // C=12, Z=35
			rest = (rest*10 + int(c-'0')) % 97
		}
		hidden(t, "CZ"+oddly(t, fmt.Sprintf("%02d", 98-rest)+bban, 3), 4+2)
	})
}

func TestACodeIsMaskedHoweverItIsSpelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := oddly(t, rapid.StringMatching(`[0-9]{6}`).Draw(t, "code"))
		cue := rapid.SampledFrom([]string{"the code is %s", "%s is the OTP", "PIN: %s", "mano kodas %s", "%s"}).Draw(t, "cue")
		text := fmt.Sprintf(cue, code)
		if got, found := masking.Text(text, 0); found == 0 || left(got) > 0 {
			t.Fatalf("Text(%q) = %q, %d", text, got, found)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"my card 4000 0000 0000 0002", "CZ65 0800 0000 1920 0014 5399", "code 482915", "password: secret1", "on 2026-11-25, 1 250.00",
		"four zero o 0\u200b0️⃣", "\xff\xfe12345678", "šeši kodas",
	} {
		f.Add(s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, pass uint8) {
		got, found := masking.Text(text, masking.Pass(pass))
		if utf8.RuneCountInString(got) > utf8.RuneCountInString(text) {
			t.Errorf("Text(%q) = %q is longer", text, got)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("Text(%q) = %q is no text", text, got)
		}
		if (found > 0) != (got != text) && !strings.ContainsRune(text, masking.Mask) {
			t.Errorf("Text(%q) = %q, but found %d", text, got, found)
		}
		all := masking.AccountNumbers | masking.CardNumbers | masking.Codes
		if same, n := masking.Text(text, masking.Pass(pass)|all); same != text || n != 0 {
			t.Errorf("all may pass, and Text(%q) = %q, %d", text, same, n)
		}
	})
}
