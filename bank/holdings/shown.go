package holdings

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
)

const (
	maxLine = 80 // characters of a name
	// shown is how much of a number is shown, and least how much must be hidden.
	shown = 4
)

// wellFormed says whether an id can stand in a consent.
func wellFormed(id string) bool {
	return id != "" && utf8.RuneCountInString(id) <= consent.MaxNameLength
}

// masked keeps the last four of a number, so that its holder can tell it from
// others; a number too short to hide anything is hidden whole.
func masked(number string) string {
	var kept []rune
	for _, r := range number {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			kept = append(kept, r)
		}
	}
	switch {
	case len(kept) == 0:
		return ""
	case len(kept) < 2*shown:
		return "••••"
	default:
		return "•••• " + string(kept[len(kept)-shown:])
	}
}

// line is text as one line without characters that can't be seen or that turn
// others around (Unicode Cc, Cf, Zl, Zp), and of bounded length.
func line(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if unicode.IsSpace(r) {
			r = ' '
		} else if !unicode.IsPrint(r) {
			continue
		}
		if n++; n > maxLine {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

func currency(code string) string {
	if len(code) != 3 {
		return ""
	}
	for _, c := range code {
		if c < 'A' || c > 'Z' {
			return ""
		}
	}
	return code
}

// kind takes kinds that the contract knows.
func kind(k datav1.AccountKind) datav1.AccountKind {
	if _, ok := datav1.AccountKind_name[int32(k)]; !ok {
		return datav1.AccountKind_ACCOUNT_KIND_UNSPECIFIED
	}
	return k
}
