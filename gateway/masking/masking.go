package masking

import "strings"

// Pass is what may stay readable, as a set.
type Pass uint8

// What may pass.
const (
	AccountNumbers Pass = 1 << iota
	CardNumbers
	Codes
)

// Mask stands for each digit or letter that was masked.
const Mask = '•'

// shown is how many of the last digits of an account's or a card's number stay
// readable, so that people know which one is meant.
const shown = 4

// Text masks what may not pass, and says how many numbers and codes that were. It
// never makes a text longer, in characters.
func Text(text string, pass Pass) (masked string, found int) {
	m := masker{glyphs: read(text)}
	m.ibans(pass&AccountNumbers != 0)
	numbers := m.numbers()
	for _, n := range numbers {
		m.card(n, pass&CardNumbers != 0)
		if pass&AccountNumbers == 0 {
			m.account(n)
		}
	}
	if pass&Codes == 0 {
		m.codes(numbers)
	}
	if m.found == 0 {
		return text, 0
	}
	return m.write(text), m.found
}

// masker masks one text.
type masker struct {
	glyphs []glyph
	found  int
}

// hide masks glyphs and whatever invisible is between them, and counts them as
// one number. What was hidden in part before is not counted again.
func (m *masker) hide(at []int) {
	again := false
	for _, i := range at {
		again = again || m.glyphs[i].hidden
		m.glyphs[i].hidden = true
	}
	if !again {
		m.found++
	}
}

// know says of glyphs what they are part of, so that they are taken for nothing
// else.
func (m *masker) know(at []int) {
	for _, i := range at {
		m.glyphs[i].known = true
	}
}

func (m *masker) write(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	hidden := false
	for _, g := range m.glyphs {
		switch {
		case g.hidden:
			out.WriteRune(Mask)
			hidden = true
		case hidden && g.kind == invisible: // belongs to what was masked
		default:
			out.WriteString(text[g.from:g.to])
			hidden = false
		}
	}
	return out.String()
}
