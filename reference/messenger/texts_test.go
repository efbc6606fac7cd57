package messenger_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each text that is named anywhere is in the table, in each language with the same
// gaps; and each in the table is named somewhere.
func TestEveryTextIsThereAndUsed(t *testing.T) {
	raw, err := os.ReadFile("texts.json")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]map[string]string{}
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, f := range append(files, pages...) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(raw)
	}
	named := regexp.MustCompile(`"((?:action|alerts?|answer|chat|connect|end|foot|holds|nav|next|notice|over|rest|say|share|talk|trouble|wish)\.[a-zA-Z_0-9.]+)"`)
	for _, m := range named.FindAllStringSubmatch(all, -1) {
		if texts[m[1]] == nil && !strings.HasSuffix(m[1], ".css") && !strings.HasSuffix(m[1], ".js") && !strings.HasSuffix(m[1], ".") {
			t.Errorf("the text %q is named and is not in the table", m[1])
		}
	}
	// These are put together from a beginning and a name.
	made := regexp.MustCompile(`^(alert|category|cluster|next|purpose|share|what|wish)\.`)
	gap := regexp.MustCompile(`\{\d\}`)
	for key, said := range texts {
		if !strings.Contains(all, `"`+key+`"`) && !made.MatchString(key) {
			t.Errorf("the text %q is used nowhere", key)
		}
		if a, b := gaps(gap, said["en"]), gaps(gap, said["lt"]); a != b {
			t.Errorf("the text %q has the gaps %s in English and %s in Lithuanian", key, a, b)
		}
	}
}

func gaps(gap *regexp.Regexp, text string) string {
	out := []string{"-", "-", "-", "-", "-"}
	for _, g := range gap.FindAllString(text, -1) {
		out[g[1]-'0'] = g
	}
	return strings.Join(out, "")
}
