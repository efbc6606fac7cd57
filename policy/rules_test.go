package policy

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	refusalv1 "sluice/gen/sluice/refusal/v1"
	"sluice/refusal"
)

// whole is a question with nothing left unstated, and allowed.
func whole() Question {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	c := consent.Consent{
		ID: "c1", Revision: 2, Status: consent.Active, Partner: "messenger", Bank: "morava", Customer: "9593",
		Asked:        consent.Terms{Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, UnattendedPerDay: 4, OneTime: true},
		LookBackDays: 90, ValidUntil: at.AddDate(0, 1, 0),
		Shares: []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.TransactionsBasic)}},
	}
	today := consent.DayOf(at)
	return Question{
		At: at, Grant: c.Grant(), Partner: "messenger", PartnerActive: true, BankActive: true,
		Kind: Transactions, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, Unattended: true,
		Accounts: []consent.AccountID{"A1"}, From: today - 5, To: today - 1, FirstRelease: at.Add(-time.Minute),
	}
}

func engine(t *testing.T) *Engine {
	t.Helper()
	e, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// paths lists every member of the input, inner ones by their whole path.
func paths(v any, at ...string) [][]string {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	var out [][]string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		path := append(slices.Clone(at), name)
		out = append(out, path)
		out = append(out, paths(object[name], path...)...)
	}
	return out
}

// spoil makes the input anew and lets do change the object that holds the
// path's last member.
func spoil(t *testing.T, path []string, do func(object map[string]any, name string)) ast.Value {
	t.Helper()
	root, err := ast.JSON(whole().input())
	if err != nil {
		t.Fatal(err)
	}
	object, _ := root.(map[string]any)
	for _, name := range path[:len(path)-1] {
		object, _ = object[name].(map[string]any)
	}
	do(object, path[len(path)-1])
	v, err := ast.InterfaceToValue(root)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryMemberOfTheQuestionIsNeeded(t *testing.T) {
	e := engine(t)
	if d, err := e.evaluate(t.Context(), whole().input()); err != nil || !d.allow {
		t.Fatalf("the whole question is not allowed: %+v, %v", d, err)
	}
	root, err := ast.JSON(whole().input())
	if err != nil {
		t.Fatal(err)
	}
	all := paths(root)
	if len(all) < 28 {
		t.Fatalf("only %d members found", len(all))
	}
	for _, path := range all {
		t.Run(strings.Join(path, "."), func(t *testing.T) {
			d, err := e.evaluate(t.Context(), spoil(t, path, func(o map[string]any, name string) { delete(o, name) }))
			if err == nil && d.allow {
				t.Errorf("without it, %+v is permitted", d.permissions)
			}
			for _, wrong := range []any{nil, "x", true, []any{}, map[string]any{}, "-1"} {
				if nullMeansNotStated(path) && wrong == nil {
					continue
				}
				input := spoil(t, path, func(o map[string]any, name string) {
					if fmt.Sprintf("%T", o[name]) == fmt.Sprintf("%T", wrong) {
						wrong = 1
					}
					o[name] = wrong
				})
				if d, err := e.evaluate(t.Context(), input); err == nil && d.allow {
					t.Errorf("with %v (%T) in its place, %+v is permitted", wrong, wrong, d.permissions)
				}
			}
		})
	}
}

// nullMeansNotStated names the members for which null is an answer.
func nullMeansNotStated(path []string) bool {
	return slices.Contains([]string{"call.from", "call.to", "usage.first_release"}, strings.Join(path, "."))
}

func TestEveryRuleSaysWhatItIsFor(t *testing.T) {
	modules, _, err := load(ruleFiles)
	if err != nil {
		t.Fatal(err)
	}
	explained, rules := map[string]bool{}, map[string]bool{}
	for name, text := range modules {
		m, err := ast.ParseModuleWithOpts(name, text, ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range m.Rules {
			of := strings.SplitN(r.Head.Ref().String(), "[", 2)[0]
			rules[of] = true
			for _, a := range r.Annotations {
				explained[of] = explained[of] || a.Title != "" && a.Description != ""
			}
		}
	}
	for of := range rules {
		if !explained[of] {
			t.Errorf("%s has no METADATA with title and description", of)
		}
	}
}

// terms evaluates a constant of the rules.
func terms(t *testing.T, name string) []string {
	t.Helper()
	modules, _, err := load(ruleFiles)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for file, text := range modules {
		m, err := ast.ParseModule(file, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range m.Rules {
			if r.Head.Ref().String() != name {
				continue
			}
			ast.WalkTerms(r.Head.Value, func(x *ast.Term) bool {
				if s, ok := x.Value.(ast.String); ok {
					out = append(out, string(s))
				}
				return false
			})
		}
	}
	slices.Sort(out)
	return out
}

func TestRulesKnowExactlyThePurposesOfTheContract(t *testing.T) {
	var want []string
	for n := range consentv1.Purpose_name {
		if n != 0 {
			want = append(want, consent.PurposeName(consentv1.Purpose(n)))
		}
	}
	slices.Sort(want)
	if d := cmp.Diff(want, terms(t, "purposes")); d != "" {
		t.Errorf("purposes (-contract +rules):\n%s", d)
	}
	for _, name := range want {
		for _, never := range []string{"ADVERT", "MARKETING", "SALE", "SELL", "PROFIL"} {
			if strings.Contains(name, never) {
				t.Errorf("%s can be expressed", name)
			}
		}
	}
}

func TestEveryReasonOfTheRulesIsOfTheContract(t *testing.T) {
	names := terms(t, "precedence")
	if len(names) < 16 {
		t.Fatalf("only %d reasons found", len(names))
	}
	for _, name := range names {
		if _, ok := refusal.Parse(name); !ok {
			t.Errorf("%s is no reason", name)
		}
	}
}

// docs/policy.md has one line for each reason there is.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	var told, want []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && strings.HasPrefix(cells[1], " `") {
			told = append(told, strings.Trim(cells[1], " `"))
		}
	}
	for n := range refusalv1.Reason_name {
		if n != 0 {
			want = append(want, refusal.Name(refusalv1.Reason(n)))
		}
	}
	slices.Sort(told)
	slices.Sort(want)
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("reasons (-contract +page):\n%s", d)
	}
}
