package masking

import "slices"

// widest is how many characters may stand between two digits of one number. The
// same one again and again, as spaces are, counts once.
const widest = 3

// wider is how wide separators are that were so wide, with one more.
func (m *masker) wider(gap int, since []int, next int) int {
	if len(since) > 0 && m.glyphs[since[len(since)-1]].char == m.glyphs[next].char {
		return gap
	}
	return gap + 1
}

// group are digits with nothing between them.
type group struct {
	digits []int // glyphs
	before []int // the separators between it and the group before; nil for the first
}

// number are digits that may belong together: groups with few separators between.
type number struct {
	groups []group
	phone  bool // a plus stands before it, as before a telephone number
}

func (n number) digits() []int {
	var out []int
	for _, g := range n.groups {
		out = append(out, g.digits...)
	}
	return out
}

// numbers finds what may be numbers.
func (m *masker) numbers() []number {
	var (
		out   []number
		now   number
		since []int // separators since the last digit
		gap   int   // how wide they are
	)
	end := func() {
		if len(now.groups) > 0 {
			out = append(out, now)
		}
		now, since, gap = number{}, nil, 0
	}
	for i, g := range m.glyphs {
		switch {
		case g.kind == invisible:
		case g.kind == digit && !g.known:
			switch {
			case len(now.groups) == 0:
				now.phone = len(since) > 0 && m.glyphs[since[len(since)-1]].char == '+'
				now.groups = append(now.groups, group{})
			case len(since) > 0:
				now.groups = append(now.groups, group{before: since})
			}
			last := &now.groups[len(now.groups)-1]
			last.digits, since, gap = append(last.digits, i), nil, 0
		case g.kind == separator && len(now.groups) == 0:
			since = []int{i}
		case g.kind == separator && m.wider(gap, since, i) <= widest:
			gap = m.wider(gap, since, i)
			since = append(since, i)
		default:
			end()
		}
	}
	end()
	return out
}

const (
	shortestCard = 13
	longestCard  = 19 // ISO/IEC 7812-1
	shortestOwn  = 8  // an account's number within its bank
)

// card masks the numbers of cards in a number, or sees to it that they pass,
// though an account's could have their digits: windows that begin and end where groups do, or anywhere in one that is longer
// than any card's, begin as cards' numbers do and have the right check digit.
func (m *masker) card(n number, pass bool) {
	all := n.digits()
	starts, ends := make([]bool, len(all)+1), make([]bool, len(all)+1)
	at := 0
	for _, g := range n.groups {
		for i := range g.digits {
			inside := len(g.digits) > longestCard
			starts[at+i] = i == 0 || inside
			ends[at+i+1] = i == len(g.digits)-1 || inside
		}
		at += len(g.digits)
	}
	for from := 0; from < len(all); from++ {
		if !starts[from] {
			continue
		}
		for length := min(longestCard, len(all)-from); length >= shortestCard; length-- {
			if window := all[from : from+length]; ends[from+length] && m.isCard(window) {
				if pass {
					m.know(window)
				} else {
					m.hide(window[:length-shown])
				}
				from += length - 1
				break
			}
		}
	}
}

// isCard holds digits against ISO/IEC 7812-1: they begin as those of payment
// cards do, and the check digit is right.
func (m *masker) isCard(at []int) bool {
	if first := m.glyphs[at[0]].char; first < '2' || first > '6' {
		return false
	}
	sum := 0
	for i, g := range at {
		d := int(m.glyphs[g].char - '0')
		if (len(at)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// account masks a number that may be an account's: of at least eight digits,
// and not written as an amount, a date or a telephone number.
func (m *masker) account(n number) {
	if n.phone && len(n.digits()) <= 15 { // ITU-T E.164
		return
	}
	for _, part := range m.parts(n) {
		digits := slices.DeleteFunc(part.digits(), func(i int) bool { return m.glyphs[i].known })
		if len(digits) >= shortestOwn && !m.isDate(part) && !m.isAmount(part) {
			m.hide(digits[:len(digits)-shown])
		}
	}
}

// parts splits a number where people end one thing and begin another: at a line
// break, or at a comma, semicolon or colon and a space. Numbers of single digits
// stay whole.
func (m *masker) parts(n number) []number {
	if spelled(n) {
		return []number{n}
	}
	var out []number
	for i, g := range n.groups {
		if i == 0 || len(g.before) > 1 && slices.ContainsFunc(g.before, m.ends) || slices.ContainsFunc(g.before, m.breaks) {
			out = append(out, number{})
		}
		last := &out[len(out)-1]
		last.groups = append(last.groups, g)
	}
	return out
}

// spelled says that somebody wrote nearly each digit for itself.
func spelled(n number) bool { return 3*len(n.groups) > 2*len(n.digits()) }

func (m *masker) ends(sep int) bool {
	switch m.glyphs[sep].char {
	case ',', ';', ':', '(', ')':
		return true
	}
	return false
}

func (m *masker) breaks(sep int) bool { return m.glyphs[sep].char == '\n' }

// value reads a group of a few digits.
func (m *masker) value(g group) int {
	v := 0
	for _, d := range g.digits {
		v = 10*v + int(m.glyphs[d].char-'0')
	}
	return v
}

// isDate knows days with year, month and day in this order, or the other, and
// perhaps a time behind it.
func (m *masker) isDate(n number) bool {
	if len(n.groups) < 3 || len(n.groups) > 6 {
		return false
	}
	first, second, third := n.groups[0], n.groups[1], n.groups[2]
	if len(first.digits) != 4 {
		first, third = third, first
	}
	if len(first.digits) != 4 || len(second.digits) > 2 || len(third.digits) > 2 {
		return false
	}
	for _, g := range n.groups[3:] { // a time
		if len(g.digits) > 2 || m.value(g) > 59 {
			return false
		}
	}
	year, a, b := m.value(first), m.value(second), m.value(third)
	return 1900 <= year && year < 2100 && min(a, b) >= 1 && min(a, b) <= 12 && max(a, b) <= 31
}

// isAmount knows thousands in groups of three with one kind of mark between
// them, and cents behind another mark.
func (m *masker) isAmount(n number) bool {
	groups := n.groups
	if m.hasCents(n) {
		if groups = groups[:len(groups)-1]; len(groups) == 1 {
			return len(groups[0].digits) <= 9
		}
	}
	if len(groups) < 2 || len(groups) > 4 || len(groups[0].digits) > 3 {
		return false
	}
	for _, g := range groups[1:] {
		if len(g.digits) != 3 || len(g.before) != 1 || m.glyphs[g.before[0]].char != m.glyphs[groups[1].before[0]].char {
			return false
		}
	}
	return true
}

// hasCents says that a number ends in two digits behind a point or a comma.
func (m *masker) hasCents(n number) bool {
	last := n.groups[len(n.groups)-1]
	if len(n.groups) < 2 || len(last.digits) != 2 || len(last.before) != 1 {
		return false
	}
	c := m.glyphs[last.before[0]].char
	return c == '.' || c == ','
}
