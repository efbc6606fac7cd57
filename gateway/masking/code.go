package masking

import "strings"

const (
	shortestCode = 4
	longestCode  = 8
	// alone is how many digits a message at least has that is nothing but a code.
	alone = 6
	// near is how many characters from a word that announces one a code may stand.
	near = 60
	// onCard is how many digits a card's security code has, and beside how many
	// characters from its word.
	onCard, beside = 3, 20
)

// cue is a word that announces a code.
type cue struct {
	at   int
	card bool // the one that is printed on a card
}

// codes masks one-time codes, PINs and passwords whole: numbers near a word that
// announces one, a message that is nothing but one, and the word that is said to
// be a password.
func (m *masker) codes(numbers []number) {
	cues, secrets := m.cues()
	for _, n := range numbers {
		for _, part := range m.parts(n) {
			digits := part.digits()
			if len(digits) < onCard || len(digits) > longestCode || m.tail(digits[0]) ||
				m.isDate(part) || len(digits) < alone && m.hasCents(part) {
				continue
			}
			if m.announced(digits, cues) || len(digits) >= alone && m.nothingElse(digits) {
				m.hide(digits)
			}
		}
	}
	for _, s := range secrets {
		m.hide(s)
	}
}

func (m *masker) announced(digits []int, cues []cue) bool {
	for _, c := range cues {
		reach := near
		if len(digits) < shortestCode {
			if !c.card {
				continue
			}
			reach = beside
		}
		if c.at < digits[0] && digits[0]-c.at <= reach || c.at > digits[len(digits)-1] && c.at-digits[len(digits)-1] <= reach {
			return true
		}
	}
	return false
}

// tail says that digits are what was left of a number that was masked before.
func (m *masker) tail(first int) bool {
	masks := 0
	for i := first - 1; i >= 0 && masks < shortestCode; i-- {
		switch g := m.glyphs[i]; {
		case g.char == Mask && g.kind == separator:
			masks++
		case g.kind != separator && g.kind != invisible:
			return false
		}
	}
	return masks == shortestCode
}

// nothingElse says that a message has no letters.
func (m *masker) nothingElse(digits []int) bool {
	for i, g := range m.glyphs {
		if g.kind == letter || g.kind == digit && (i < digits[0] || i > digits[len(digits)-1]) {
			return false
		}
	}
	return true
}

// word is a run of letters and digits.
type word struct {
	text string
	at   []int
}

func (m *masker) words() []word {
	var out []word
	open := false
	for i, g := range m.glyphs {
		switch g.kind {
		case letter, digit:
			if !open {
				out = append(out, word{})
			}
			open = true
			last := &out[len(out)-1]
			last.text += string(g.char)
			last.at = append(last.at, i)
		case invisible:
		default:
			open = false
		}
	}
	return out
}

// cues are where words stand that announce a code, and secrets the words that
// are said to be one.
func (m *masker) cues() (cues []cue, secrets [][]int) {
	words := m.words()
	for i, w := range words {
		if !isCue(w.text) {
			continue
		}
		cues = append(cues, cue{w.at[0], strings.HasPrefix(w.text, "cv") || i > 0 && secure(words[i-1].text)})
		for j := i + 1; j < len(words) && j <= i+2; j++ {
			if !says(words[j].text) {
				if j > i+1 || m.follows(w, words[j]) {
					secrets = append(secrets, m.secret(words[j:])...)
				}
				break
			}
		}
	}
	return cues, secrets
}

// secure knows the words before "code" that make it a card's.
func secure(w string) bool {
	return w == "security" || w == "verification" || w == "saugos" || w == "apsaugos"
}

// says knows the words between "password" and what it is.
func says(w string) bool { return w == "is" || w == "yra" || w == "to" || w == "now" }

// follows says that a colon or an equals sign stands between two words.
func (m *masker) follows(a, b word) bool {
	for i := a.at[len(a.at)-1]; i < b.at[0]; i++ {
		if c := m.glyphs[i].char; c == ':' || c == '=' {
			return true
		}
	}
	return false
}

// secret is the word at the beginning, if it may be a password or a code with
// letters in it: such have digits, or stand alone.
func (m *masker) secret(words []word) [][]int {
	w := words[0]
	mixed := strings.ContainsAny(w.text, "0123456789")
	if len(w.at) < shortestCode || !mixed && len(words) > 1 || m.tail(w.at[0]) {
		return nil
	}
	return [][]int{w.at}
}

// isCue knows the words that announce a code.
func isCue(w string) bool {
	for _, stem := range [...]string{
		"code", "passcode", "otp", "pin", "tan", "password", "cvv", "cvc", "cvv2", "cvc2", "passwd", "pwd",
	} {
		if w == stem || w == stem+"s" {
			return true
		}
	}
	for _, stem := range [...]string{"kod", "slaptažod", "slaptazod"} { // Lithuanian inflects
		if strings.HasPrefix(w, stem) {
			return w != "kodėl" && w != "kodel" // why
		}
	}
	return false
}
