package intent

import (
	"strings"
	"unicode"
)

// maxRunes is how much of a text is looked at: longer than any question anybody
// asked in the data, short enough to be read in well under a millisecond.
const maxRunes = 500

// split are a text's words in lower case, without apostrophes ("don't" is dont).
func split(text string) []string {
	var out []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	n := 0
	for _, r := range text {
		if n++; n > maxRunes {
			break
		}
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			word.WriteRune(unicode.ToLower(r))
		case r == '\'' || r == '’' || r == '`':
		default:
			end()
		}
	}
	end()
	return out
}

// Features are what the model knows a text by: its words, its pairs of words, and
// the pieces of three to five letters of each word. Each stands once, in the order
// of the text.
func Features(text string) []string {
	seen := map[string]bool{}
	var out []string
	add := func(f string) {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	before := "^"
	for _, w := range split(text) {
		add("w" + w)
		add("p" + before + " " + w)
		before = w
		letters := []rune(" " + w + " ")
		for n := 3; n <= 5; n++ {
			for i := 0; i+n <= len(letters); i++ {
				add("c" + string(letters[i:i+n]))
			}
		}
	}
	if before != "^" {
		add("p" + before + " $")
	}
	return out
}

func isPiece(feature string) bool { return feature[0] == 'c' }
