package web

import (
	"strings"
	"unicode"
)

const (
	maxName     = 80
	maxSentence = 400
	maxMarks    = 2 // combining marks in a row
)

// foreign is a text that somebody else wrote, made harmless for showing.
type foreign struct {
	Text  string
	Doubt string // a key of the catalogue: what to be wary of; "" for nothing
}

// nameOf makes a party's name harmless: one line, nothing invisible, nothing that
// turns other text around; and says whether its letters may deceive.
func nameOf(raw, instead string) foreign {
	text, hid := visible(raw, maxName)
	f := foreign{Text: text}
	switch {
	case text == "":
		f.Text = instead
	case deceptive(text):
		f.Doubt = "name.lookalike"
	}
	if hid && text != "" {
		f.Doubt = "name.invisible"
	}
	return f
}

// sentenceOf is text of more than a name.
func sentenceOf(raw string) string {
	text, _ := visible(raw, maxSentence)
	return text
}

// visible is text as one line of at most so many characters, without those that
// can't be seen or that reorder others (Cc, Cf, Zl, Zp), and without piles of
// combining marks. It says whether there were such.
func visible(raw string, most int) (string, bool) {
	var b strings.Builder
	n, marks, hid := 0, 0, false
	for _, r := range strings.ToValidUTF8(raw, "\uFFFD") {
		switch {
		case unicode.IsSpace(r):
			r, marks = ' ', 0
		case !unicode.IsPrint(r), blank(r):
			hid = true
			continue
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			if marks++; marks > maxMarks {
				hid = true
				continue
			}
		default:
			marks = 0
		}
		if n++; n > most {
			return strings.TrimSpace(b.String()) + "…", hid
		}
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(b.String()), " "), hid
}

// blank are letters by their class that show as nothing.
func blank(r rune) bool {
	switch r {
	case '\u115F', '\u1160', '\u3164', '\uFFA0', '\u2800', '\u034F', '\u17B4', '\u17B5':
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}

// latinLookalikes are letters of other scripts that look like Latin ones.
const latinLookalikes = "аАВеЕКМНоОрРсСТуУхХѕЅіІјЈһԁԛԝӏɡ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναρτυχικ" + "օսցհոԱՍՕ"

// deceptive says whether letters of several scripts are mixed, or all of them
// are foreign ones that look Latin.
func deceptive(text string) bool {
	scripts := map[string]bool{}
	letters, lookalikes := 0, 0
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		if strings.ContainsRune(latinLookalikes, r) {
			lookalikes++
		}
		scripts[script(r)] = true
	}
	if len(scripts) > 1 {
		return true
	}
	return letters > 0 && letters == lookalikes
}

// script is the script of a letter; those that are written together count as one.
func script(r rune) string {
	switch {
	case unicode.Is(unicode.Latin, r):
		return "Latin"
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo):
		return "East Asian"
	case unicode.In(r, unicode.Common, unicode.Inherited):
		return "Latin"
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return "unknown"
}

// apart sets a foreign text apart within a sentence of ours, if it may run in
// the other direction: FSI … PDI, the plain-text form of <bdi>.
func apart(text string) string {
	for _, r := range text {
		if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) {
			return "\u2068" + text + "\u2069"
		}
	}
	return text
}
