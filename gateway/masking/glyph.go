package masking

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// kind is what a glyph is in a number.
type kind uint8

const (
	other kind = iota
	digit
	letter
	separator
	invisible // nobody sees it: combining marks, zero-width characters
)

// glyph is one character of a text, or one word that stands for a digit.
type glyph struct {
	from, to int  // bytes
	char     rune // a digit as '0' to '9', a letter in lower case
	kind     kind
	hidden   bool
	known    bool // part of an IBAN or a card's number, and of nothing else
}

// read splits a text into glyphs.
func read(text string) []glyph {
	out := make([]glyph, 0, len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		g := classify(r)
		g.from, g.to = i, i+size
		out = append(out, g)
		i += size
	}
	return lookalikes(words(out))
}

func classify(r rune) glyph {
	switch {
	case '0' <= r && r <= '9':
		return glyph{char: r, kind: digit}
	case r < utf8.RuneSelf && unicode.IsLetter(r):
		return glyph{char: unicode.ToLower(r), kind: letter}
	case r < utf8.RuneSelf:
		return glyph{char: r, kind: separator}
	}
	switch r = plain(r); {
	case unicode.IsDigit(r):
		return glyph{char: digitOf(r), kind: digit}
	case unicode.IsLetter(r):
		return glyph{char: unicode.ToLower(r), kind: letter}
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return glyph{char: r, kind: invisible}
	case unicode.IsSpace(r), unicode.IsPunct(r), unicode.IsSymbol(r), unicode.IsControl(r):
		return glyph{char: r, kind: separator}
	}
	return glyph{char: r, kind: other}
}

// plain is what a character stands for, if that is one character: 4 for ４, ⁴ and ④.
func plain(r rune) rune {
	var buf [utf8.UTFMax]byte
	s := norm.NFKC.Append(nil, buf[:utf8.EncodeRune(buf[:], r)]...)
	if p, size := utf8.DecodeRune(s); size == len(s) {
		return p
	}
	return r
}

// digitOf is a decimal digit of any script: those of one stand in order from its zero.
func digitOf(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10
		}
	}
	return '0'
}

// digitWord is the digit that a word stands for, in English and Lithuanian.
func digitWord(w string) (rune, bool) {
	switch w {
	case "zero", "nought", "nulis", "nulį":
		return '0', true
	case "one", "vienas", "vieną":
		return '1', true
	case "two", "du":
		return '2', true
	case "three", "trys", "tris":
		return '3', true
	case "four", "keturi", "keturis":
		return '4', true
	case "five", "penki", "penkis":
		return '5', true
	case "six", "šeši", "šešis":
		return '6', true
	case "seven", "septyni", "septynis":
		return '7', true
	case "eight", "aštuoni", "aštuonis":
		return '8', true
	case "nine", "devyni", "devynis":
		return '9', true
	}
	return 0, false
}

// words puts one digit in the place of each word that stands for one.
func words(glyphs []glyph) []glyph {
	out := glyphs[:0]
	for i := 0; i < len(glyphs); {
		end := i
		var word []rune
		for end < len(glyphs) && (glyphs[end].kind == letter || end > i && glyphs[end].kind == invisible) {
			if glyphs[end].kind == letter || unicode.Is(unicode.Mn, glyphs[end].char) {
				word = append(word, glyphs[end].char)
			}
			end++
		}
		if end == i {
			out = append(out, glyphs[i])
			i++
			continue
		}
		if d, ok := digitWord(norm.NFC.String(string(word))); ok {
			out = append(out, glyph{from: glyphs[i].from, to: glyphs[end-1].to, char: d, kind: digit})
		} else {
			out = append(out, glyphs[i:end]...)
		}
		i = end
	}
	return out
}

// lookalike is the digit that a letter looks like.
func lookalike(r rune) (rune, bool) {
	switch r {
	case 'o', 'о', 'ο': // Latin, Cyrillic, Greek
		return '0', true
	case 'i', 'l', 'і':
		return '1', true
	}
	return 0, false
}

// lookalikes takes letters for digits in words that have digits and no other
// letters.
func lookalikes(glyphs []glyph) []glyph {
	for i := 0; i < len(glyphs); {
		end, digits, letters := i, 0, 0
		for ; end < len(glyphs); end++ {
			g := glyphs[end]
			if g.kind == digit {
				digits++
			} else if g.kind == letter {
				if _, ok := lookalike(g.char); !ok {
					letters++
				}
			} else if g.kind != invisible {
				break
			}
		}
		for j := i; j < end && digits > 0 && letters == 0; j++ {
			if d, ok := lookalike(glyphs[j].char); ok && glyphs[j].kind == letter {
				glyphs[j].kind, glyphs[j].char = digit, d
			}
		}
		i = max(end, i+1)
	}
	return glyphs
}
