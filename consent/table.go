package consent

import (
	"slices"
	"strings"
)

// Table is the state table in Markdown, as docs/consent-states.md has it: one
// line for each kind of change and those who may make it, one column for each
// status that is not an end, and in the cells where the change leads.
func Table() string {
	columns := []Status{noStatus, Pending, PartiallyAuthorized, Active, Paused, Suspended}
	var b strings.Builder
	b.WriteString("| change | by |")
	for _, s := range columns {
		b.WriteString(" " + columnName(s) + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, line := range tableLines(Transitions()) {
		b.WriteString("| " + ChangeName(line[0].Kind) + " | " + actorNames(line[0].By) + " |")
		for _, s := range columns {
			b.WriteString(" " + targets(line, s) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// tableLines puts neighbours of one kind and the same actors together.
func tableLines(all []Transition) [][]Transition {
	var lines [][]Transition
	for _, t := range all {
		if n := len(lines); n > 0 && lines[n-1][0].Kind == t.Kind && slices.Equal(lines[n-1][0].By, t.By) {
			lines[n-1] = append(lines[n-1], t)
			continue
		}
		lines = append(lines, []Transition{t})
	}
	return lines
}

func columnName(s Status) string {
	if s == noStatus {
		return "(none)"
	}
	return StatusName(s)
}

func actorNames(kinds []ActorKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = ActorName(k)
	}
	return strings.Join(names, ", ")
}

func targets(line []Transition, from Status) string {
	for _, t := range line {
		if t.From != from {
			continue
		}
		names := make([]string, len(t.To))
		for i, s := range t.To {
			names[i] = StatusName(s)
		}
		return strings.Join(names, " or ")
	}
	return "–"
}
