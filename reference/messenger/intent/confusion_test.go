package intent_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/reference/messenger/intent"
)

const (
	allowed = 0.05 // of the answers may be wrong
	least   = 0.75 // of the claimed questions must be answered right
)

// heldOut are the questions that neither the model nor its threshold has seen.
func heldOut(t *testing.T) [][]string {
	t.Helper()
	file, err := os.Open("testdata/test.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3081 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows[1:]
}

func matcher(t testing.TB) *intent.Matcher {
	t.Helper()
	m, err := intent.New()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const unclaimed = "(unclaimed)"

func claimOfLabel() map[string]string {
	out := map[string]string{}
	for _, c := range intent.Claims() {
		for _, l := range c.Labels {
			out[l] = c.Name
		}
	}
	return out
}

// The promise: of all that is answered, questions nobody claims included, less than
// one answer in twenty is wrong. With -v it prints the table.
func TestConfusion(t *testing.T) {
	m, claims := matcher(t), claimOfLabel()
	table := map[string]map[string]int{} // by what it is, then by what was answered
	answered, wrong, wrongUnclaimed, right, claimed := 0, 0, 0, 0, 0
	for _, row := range heldOut(t) {
		is, ok := claims[row[1]]
		if !ok {
			is = unclaimed
		} else {
			claimed++
		}
		q := m.Understand(row[0], time.Time{})
		said := q.Label
		if said == "" && q.Intent != intent.Unknown {
			said = "own: " + q.Intent.String()
		}
		if table[is] == nil {
			table[is] = map[string]int{}
		}
		table[is][said]++
		if said == "" {
			continue
		}
		answered++
		if said == is {
			right++
		} else {
			wrong++
			if is == unclaimed {
				wrongUnclaimed++
			}
			t.Logf("wrong: %-18s is %-18s (%s): %q", said, is, row[1], row[0])
		}
	}
	show(t, table)
	t.Logf("%d questions, %d of them claimed: %d answered, %d right, %d wrong (%.2f %% of the answers; %d to unclaimed questions); %.1f %% of the claimed answered right",
		len(heldOut(t)), claimed, answered, right, wrong, 100*float64(wrong)/float64(answered), wrongUnclaimed, 100*float64(right)/float64(claimed))
	if float64(wrong) >= allowed*float64(answered) {
		t.Errorf("%d of %d answers are wrong", wrong, answered)
	}
	if float64(right) < least*float64(claimed) {
		t.Errorf("only %d of %d claimed questions are answered", right, claimed)
	}
}

// show prints, for each claim, how many questions are of it, how many of them were
// answered right, not at all, and as what else.
func show(t *testing.T, table map[string]map[string]int) {
	t.Helper()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("| %-16s | questions | right | silent | wrong | answered as it, but is not |", "claim")
	for _, c := range append(intent.Claims(), intent.Claim{Name: unclaimed}) {
		all := 0
		for _, n := range table[c.Name] {
			all += n
		}
		right, silent, taken := table[c.Name][c.Name], table[c.Name][""], 0
		for is, said := range table {
			if is != c.Name {
				taken += said[c.Name]
			}
		}
		figures := fmt.Sprintf("| %d | %d | %d | %d | %d |", all, right, silent, all-right-silent, taken)
		t.Logf("| %-16s %s", c.Name, figures)
		if !regexp.MustCompile(`(?m)^\| ` + strings.Trim(c.Name, "()") + ` \| [^|]+ ` + regexp.QuoteMeta(figures) + `$`).Match(page) {
			t.Errorf("README.md has other figures of %q", c.Name)
		}
	}
	for _, c := range append(intent.Claims(), intent.Claim{Name: unclaimed}) {
		for _, said := range slices.Sorted(maps.Keys(table[c.Name])) {
			if said != "" && said != c.Name {
				t.Logf("%-18s taken for %-22s %d", c.Name, said, table[c.Name][said])
			}
		}
	}
}
