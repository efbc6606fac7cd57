package intent

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxOwnWords is the longest question the rules answer. In a longer one the words
// they look for stand for something else.
const maxOwnWords = 14

// rule is one of the messenger's own questions: words of each group must be there,
// and none of those that make it another question. A star stands for any ending, a
// phrase for words next to each other.
type rule struct {
	intent Intent
	all    []string
	none   string
}

// rules are looked at from top to bottom; the first that fits decides.
func rules() []rule {
	return slices.Concat(sharing(), talking(), amounts(), movements(), helping())
}

// own is which of the messenger's own questions the words are.
func (m *Matcher) own(words []string) Intent {
	if len(words) == 0 || len(words) > maxOwnWords {
		return Unknown
	}
	text := "^" + strings.Join(words, " ") + " $"
	for _, r := range m.rules {
		if r.fits(text) {
			return r.intent
		}
	}
	return Unknown
}

func (r rule) fits(text string) bool {
	for _, group := range r.all {
		if !has(text, group) {
			return false
		}
	}
	return !has(text, r.none)
}

// has reports whether one of the words or phrases is in a text whose beginning and
// end are marked.
func has(text, anyOf string) bool {
	if anyOf == "" {
		return false
	}
	spaced := " " + strings.TrimPrefix(text, "^")
	for word := range strings.SplitSeq(anyOf, ", ") {
		if first, ok := strings.CutPrefix(word, "^"); ok {
			if strings.HasPrefix(text[1:], first) {
				return true
			}
			continue
		}
		stem, open := strings.CutSuffix(word, "*")
		if !open {
			stem += " "
		}
		if strings.Contains(spaced, " "+stem) {
			return true
		}
	}
	return false
}

// plainWords are a text's words without the marks on their letters: people write
// Lithuanian with and without them.
func plainWords(text string) []string {
	out := split(text)
	for i, w := range out {
		out[i] = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(w))
	}
	return out
}
