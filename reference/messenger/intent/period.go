package intent

import (
	"strconv"
	"strings"
	"time"
)

const maxSpan = 3660 // days; nobody's bank shows more

// period finds the days a text names: from (inclusive) to to (exclusive), zero if
// it names none.
func period(words []string, now time.Time) (from, to time.Time) {
	text := "^" + strings.Join(words, " ") + " $"
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	for _, find := range []func([]string, string, time.Time) (time.Time, time.Time){lastSpan, monthOrYear, named} {
		if from, to = find(words, text, today); !from.IsZero() {
			if has(text, "since, nuo") {
				to = today.AddDate(0, 0, 1)
			}
			return from, to
		}
	}
	return time.Time{}, time.Time{}
}

// named finds today, yesterday, and this or last week, month and year.
func named(_ []string, text string, today time.Time) (time.Time, time.Time) {
	week := today.AddDate(0, 0, -(int(today.Weekday())+6)%7)
	month := today.AddDate(0, 0, 1-today.Day())
	year := time.Date(today.Year(), 1, 1, 0, 0, 0, 0, today.Location())
	for _, n := range []struct {
		words    string
		from, to time.Time
	}{
		{"day before yesterday, uzvakar", today.AddDate(0, 0, -2), today.AddDate(0, 0, -1)},
		{"yesterday, vakar", today.AddDate(0, 0, -1), today},
		{"today, siandien", today, today.AddDate(0, 0, 1)},
		{"last week, past week, previous week, praejusi* savait*, praeit* savait*, pereit* savait*", week.AddDate(0, 0, -7), week},
		{"this week, sia savait*, sios savait*, si savait*", week, week.AddDate(0, 0, 7)},
		{"last month, past month, previous month, praejus* menes*, praeit* menes*, pereit* menes*", month.AddDate(0, -1, 0), month},
		{"this month, si menes*, sio menes*, siame menes*, sis menes*", month, month.AddDate(0, 1, 0)},
		{"last year, past year, previous year, pernai, praejus* met*, praeit* met*, pereit* met*", year.AddDate(-1, 0, 0), year},
		{"this year, siemet, siais met*, siu met*", year, year.AddDate(1, 0, 0)},
	} {
		if hasSpan(text, n.words) {
			return n.from, n.to
		}
	}
	return time.Time{}, time.Time{}
}

// hasSpan is has for phrases of two words, each with a star of its own.
func hasSpan(text, anyOf string) bool {
	words := strings.Fields(strings.Trim(text, "^$"))
	for phrase := range strings.SplitSeq(anyOf, ", ") {
		want := strings.Fields(phrase)
		for i := 0; i+len(want) <= len(words); i++ {
			if fitsAll(words[i:], want) {
				return true
			}
		}
	}
	return false
}

func fitsAll(words, want []string) bool {
	for i, w := range want {
		stem, open := strings.CutSuffix(w, "*")
		if words[i] != stem && (!open || !strings.HasPrefix(words[i], stem)) {
			return false
		}
	}
	return true
}

// lastSpan finds "last 10 days", "per paskutines dvi savaites": so many days up to
// and with today.
func lastSpan(words []string, _ string, today time.Time) (time.Time, time.Time) {
	for i := 1; i+1 < len(words); i++ {
		n := number(words[i])
		if n == 0 || n > maxSpan || !fitsOne(words[i-1], "last, past, previous, paskutin*, pastar*, per") {
			continue
		}
		end := today.AddDate(0, 0, 1)
		switch unit := words[i+1]; {
		case fitsOne(unit, "day, days, dien*"):
			return end.AddDate(0, 0, -n), end
		case fitsOne(unit, "week, weeks, savait*"):
			return end.AddDate(0, 0, -min(7*n, maxSpan)), end
		case fitsOne(unit, "month, months, menes*"):
			return end.AddDate(0, -min(n, maxSpan/30), 0), end
		case fitsOne(unit, "year, years, met*"):
			return end.AddDate(-min(n, maxSpan/365), 0, 0), end
		}
	}
	return time.Time{}, time.Time{}
}

// monthOrYear finds a month by name, with its year or the latest that has begun, or
// a year alone.
func monthOrYear(words []string, _ string, today time.Time) (time.Time, time.Time) {
	year := 0
	for _, w := range words {
		if n, err := strconv.Atoi(w); err == nil && len(w) == 4 && n >= 1990 && n <= today.Year()+1 {
			year = n
		}
	}
	for i, w := range words {
		m := monthOf(w)
		// May and march are also words of another kind.
		if m == 0 || (w == "may" || w == "march" || w == "mar") && (i == 0 || !fitsOne(words[i-1], "in, for, of, during, since, last, this, on, from")) {
			continue
		}
		in := year
		if in == 0 {
			if in = today.Year(); m > today.Month() {
				in--
			}
		}
		from := time.Date(in, m, 1, 0, 0, 0, 0, today.Location())
		return from, from.AddDate(0, 1, 0)
	}
	if year == 0 {
		return time.Time{}, time.Time{}
	}
	from := time.Date(year, 1, 1, 0, 0, 0, 0, today.Location())
	return from, from.AddDate(1, 0, 0)
}

func monthOf(word string) time.Month {
	for i, names := range [...]string{
		"january, jan, saus*", "february, feb, vasario, vasari, vasaris", "march, mar, kovo, kova, kovas", "april, apr, baland*", "may, geguz*", "june, jun, birzel*",
		"july, jul, liepa, liepos, liepos", "august, aug, rugpjut*", "september, sep, sept, rugsej*", "october, oct, spali*, spaly*", "november, nov, lapkrit*, lapkric*", "december, dec, gruod*",
	} {
		if fitsOne(word, names) {
			return time.Month(i + 1)
		}
	}
	return 0
}

func fitsOne(word, anyOf string) bool {
	for w := range strings.SplitSeq(anyOf, ", ") {
		if fitsAll([]string{word}, []string{w}) {
			return true
		}
	}
	return false
}
