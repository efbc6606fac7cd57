package messenger

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	hidden    = "•"
	lastShown = 4
	maxWhole  = 11 // digits of an amount before its decimals
)

// hiding finds what must not be kept of a question: long numbers and codes.
type hiding struct{ long, code, date, amount, decimals, markup, word *regexp.Regexp }

func newHiding() hiding {
	const word = `pins?|codes?|cvv2?|cvc2?|kod(?:as|o|ą|a|ui|u|e|ai|ų|us)`
	return hiding{
		long: regexp.MustCompile(`\p{Nd}(?:[\p{Zs}\p{Pd}.]{0,3}\p{Nd}){7,}`),
		code: regexp.MustCompile(`(?i)(?:^|[^\p{L}\p{Nd}])(?:` + word + `)` +
			`(?:[^\p{L}\p{Nd}]+\p{L}{1,12}){0,3}[^\p{L}\p{Nd}]{0,5}(\p{Nd}(?:[\p{Zs}\p{Pd}.]?\p{Nd}){2,7})`),
		date: regexp.MustCompile(`(?:19|20)\d\d[-./](?:1[0-2]|0?[1-9])[-./](?:3[01]|[12]\d|0?[1-9])` +
			`|(?:3[01]|[12]\d|0?[1-9])[-./](?:1[0-2]|0?[1-9])[-./](?:19|20)\d\d`),
		amount:   regexp.MustCompile(`^(?:\d{1,3}(?:[\p{Zs}.]\d{3})+|\d+)(?:[.]\d{1,2})?$`),
		decimals: regexp.MustCompile(`^,\d{1,2}(?:$|[^\d])`),
		markup:   regexp.MustCompile(`(?is)<(script|style)\b.*?(?:</(?:script|style)[^>]*>|$)|<[^>]*(?:>|$)`),
		word:     regexp.MustCompile(`\p{L}{2,}`),
	}
}

// hide takes numbers of cards and accounts, and codes, out of a text, and says
// whether there were any. Dates stay, and so do amounts with decimals.
func (h hiding) hide(text string) (string, bool) {
	var b strings.Builder
	from := 0
	for _, at := range h.dates(text) {
		b.WriteString(h.hideLong(text[from:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		from = at[1]
	}
	b.WriteString(h.hideLong(text[from:]))
	out := b.String()
	at := h.code.FindAllStringSubmatchIndex(out, -1)
	for i := len(at) - 1; i >= 0; i-- {
		out = out[:at[i][2]] + dots(out[at[i][2]:at[i][3]], 0) + out[at[i][3]:]
	}
	return out, out != text
}

// hasWords says that a text says something, besides markup.
func (h hiding) hasWords(text string) bool {
	return h.word.MatchString(h.markup.ReplaceAllString(text, " "))
}

// dates are the places of dates that are not a part of a longer number.
func (h hiding) dates(text string) [][]int {
	var out [][]int
	for _, at := range h.date.FindAllStringIndex(text, -1) {
		before, after := strings.TrimRight(text[:at[0]], "-./"), strings.TrimLeft(text[at[1]:], "-./")
		if !endsInDigit(before) && !beginsWithDigit(after) {
			out = append(out, at)
		}
	}
	return out
}

func (h hiding) hideLong(text string) string {
	var b strings.Builder
	from := 0
	for _, at := range h.long.FindAllStringIndex(text, -1) {
		number := text[at[0]:at[1]]
		b.WriteString(text[from:at[0]])
		if from = at[1]; h.isAmount(number, text[at[1]:]) {
			b.WriteString(number)
		} else {
			b.WriteString(dots(number, lastShown))
		}
	}
	return b.String() + text[from:]
}

// isAmount says that a number is money: it has decimals, and is not longer than
// anybody's money.
func (h hiding) isAmount(number, after string) bool {
	if !h.amount.MatchString(number) {
		return false
	}
	whole, point := number, h.decimals.MatchString(after)
	if i := strings.LastIndexByte(number, '.'); i >= 0 && len(number)-i <= len(".00") {
		whole, point = number[:i], true
	}
	return point && digits(whole) <= maxWhole
}

// dots puts a dot for each digit except the last few.
func dots(number string, show int) string {
	left := digits(number) - show
	return strings.Map(func(r rune) rune {
		if !unicode.IsDigit(r) {
			return r
		}
		if left--; left >= 0 {
			return []rune(hidden)[0]
		}
		return r
	}, number)
}

func digits(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

func endsInDigit(text string) bool {
	return text != "" && text[len(text)-1] >= '0' && text[len(text)-1] <= '9'
}

func beginsWithDigit(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }
