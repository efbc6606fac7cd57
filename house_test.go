// Package house holds the house's rules as tests; ARCHITECTURE.md says them in
// words.
package house

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rooms says, for each package, which others of the house it may import, its
// tests left out. Whatever is not here has no right to be.
var rooms = map[string][]string{
	// The ground.
	"refusal": {"gen"},
	"seal":    {},
	"sqldb":   {"mutant"},
	"mutant":  {},

	// The nouns.
	"consent":           {"gen", "mutant", "refusal"},
	"consent/barrier":   {"consent", "mutant"},
	"consent/receipt":   {"consent"},
	"disclosure":        {"consent", "refusal"},
	"registry":          {"consent"},
	"feed":              {"consent", "gen", "mutant", "seal"},
	"authn":             {"authn/internal", "consent", "gen"},
	"authn/internal":    {"consent"},
	"authn/keyset":      {},
	"authn/replay":      {},
	"authn/jws":         {"authn/keyset"},
	"authn/dpop":        {"authn/jws"},
	"authn/accesstoken": {"authn", "authn/dpop", "authn/internal", "authn/jws", "authn/replay", "consent", "refusal"},
	"authn/banklogin":   {"consent", "registry"},

	"authn/signing": {"seal"},

	// The walk's helpers.
	"policy":          {"consent", "disclosure", "gen", "refusal", "registry"},
	"gateway/fields":  {"consent", "gateway/masking", "gen"},
	"gateway/masking": {},
	"bank":            {"consent", "gen"},
	"bank/holdings":   {"bank", "consent", "gen"},

	// The walk.
	"gateway": {"bank", "consent", "consent/barrier", "disclosure", "gateway/fields", "gateway/masking", "gen", "mutant", "policy", "refusal", "registry", "seal"},

	"alert": {"bank", "consent", "gateway", "gen", "mutant", "policy", "refusal", "seal"},

	// The doors.
	"gateway/partnerapi":  {"alert", "authn", "authn/accesstoken", "bank", "consent", "feed", "gateway", "gateway/consentview", "gateway/interceptor", "gen", "mutant", "policy", "refusal", "registry", "seal"},
	"gateway/bankapi":     {"authn", "consent", "feed", "gateway/consentview", "gateway/interceptor", "gen", "refusal", "registry", "seal"},
	"gateway/customerapi": {"authn", "bank", "bank/holdings", "consent", "disclosure", "gateway/consentview", "gen", "refusal", "seal"},
	"gateway/operatorapi": {"authn", "authn/keyset", "consent", "feed", "gateway/consentview", "gen", "refusal", "registry"},
	"gateway/replicaapi":  {"authn", "consent", "consent/barrier", "gen"},
	"gateway/consentview": {"consent", "gen", "refusal", "seal"},
	"gateway/interceptor": {"authn", "gateway/codec", "refusal"},
	"gateway/codec":       {},

	"oauth": {"authn", "authn/dpop", "authn/jws", "authn/keyset", "authn/replay", "consent", "gen", "refusal", "registry", "seal"},
	"web":   {"authn/banklogin", "bank", "bank/holdings", "consent", "consent/receipt", "disclosure", "refusal", "registry"},

	// The adapters. Only cmd and tests import them, and they not each other.
	"consent/grantdb":     {"consent", "gen", "sqldb"},
	"consent/grantcache":  {"consent", "mutant"},
	"consent/replica":     {"consent"},
	"consent/replicadb":   {"consent", "consent/barrier", "consent/replica", "mutant", "sqldb"},
	"feed/feeddb":         {"consent", "feed", "gen", "mutant", "sqldb"},
	"disclosure/logdb":    {"consent", "disclosure", "gen", "mutant", "refusal", "sqldb"},
	"registry/registrydb": {"consent", "mutant", "registry", "sqldb"},
	"alert/alertdb":       {"alert", "consent", "disclosure", "gen", "mutant", "sqldb"},
	"bank/bankgrpc":       {"authn", "bank", "consent", "gateway/codec", "gen", "registry"},
	"web/webdb":           {"seal", "sqldb", "web"},
	"authn/devca":         {"authn"},
	"authn/signingdb":     {"authn/signing", "sqldb"},
	"oauth/oauthdb":       {"oauth", "sqldb"},
	"authn/replaydb":      {"sqldb"},

	// What tests share.
	"consent/consenttest": {"consent", "gen"},
	"feed/feedtest":       {"consent", "feed", "gen", "seal"},
	"sqldb/sqldbtest":     {"sqldb"},
	"authn/replaytest":    {"authn/replay"},
	"bank/banktest":       {"bank", "consent", "gateway/codec", "gen"},

	// Outsiders know the contract only.
	"reference/samplebank":            {"gen"},
	"reference/messenger":             {"gen", "reference/messenger/holding", "reference/messenger/intent", "reference/messenger/link", "reference/messenger/spending"},
	"reference/messenger/holding":     {},
	"reference/messenger/link":        {},
	"reference/messenger/intent":      {"reference/messenger/spending"},
	"reference/messenger/intenttrain": {"reference/messenger/intent"},
	"reference/messenger/spending":    {"gen"},
}

// wiring may import whatever it wires; nobody imports it.
var wiring = []string{".", "cmd/sluice", "e2e", "e2e/chaos", "e2e/mutants", "e2e/pages", "e2e/stage", "bench"}

// adapters are imported by wiring and by tests alone.
var adapters = []string{"web/webdb", "alert/alertdb", "consent/grantdb", "consent/grantcache", "consent/replicadb", "disclosure/logdb", "feed/feeddb", "registry/registrydb", "bank/bankgrpc", "authn/devca", "authn/replaydb", "sqldb", "authn/signingdb", "oauth/oauthdb"}

// never says what must not be reached from a room, at whatever distance.
var never = map[string][]string{
	"sluice/consent":              {"google.golang.org/grpc", "database/sql", "github.com/open-policy-agent", "github.com/redis"},
	"sluice/gateway":              {"database/sql", "github.com/redis", "github.com/jackc", "modernc.org/sqlite"},
	"sluice/alert":                {"database/sql", "github.com/redis", "github.com/jackc"},
	"sluice/consent/barrier":      {"database/sql", "google.golang.org/grpc"},
	"sluice/consent/grantcache":   {"database/sql", "google.golang.org/grpc"},
	"sluice/consent/grantdb":      {"github.com/redis"},
	"sluice/reference/samplebank": {"sluice/consent", "sluice/gateway", "sluice/authn", "sluice/policy"},
	"sluice/reference/messenger":  {"sluice/consent", "sluice/gateway", "sluice/authn", "sluice/policy", "sluice/reference/samplebank", "database/sql"},
}

const (
	maxFileLines = 500
	maxFuncLines = 60
	maxDepth     = 2
)

// source is one hand-written Go file.
type source struct {
	path, room string
	test       bool
	file       *ast.File
	set        *token.FileSet
	lines      int
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (p == "gen" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && p != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, p, raw, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{filepath.ToSlash(p), path.Dir(filepath.ToSlash(p)), strings.HasSuffix(p, "_test.go"), file, set, bytes.Count(raw, []byte("\n"))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

// inner is the room of an import of ours; all of gen is one.
func inner(spec *ast.ImportSpec) (string, bool) {
	room, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "sluice/")
	if strings.HasPrefix(room, "gen/") {
		room = "gen"
	}
	return room, ok
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		may, known := rooms[s.room]
		if !known && !slices.Contains(wiring, s.room) {
			t.Errorf("%s: the room %q has no line in house_test.go and ARCHITECTURE.md; give it one", s.path, s.room)
			continue
		}
		for _, spec := range s.file.Imports {
			room, ours := inner(spec)
			if !ours || s.test || slices.Contains(wiring, s.room) || room == s.room {
				continue
			}
			if !slices.Contains(may, room) {
				t.Errorf("%s may not import %s", s.path, room)
			}
			if slices.Contains(adapters, room) && (room != "sqldb" || !slices.Contains(adapters, s.room) && s.room != "sqldb/sqldbtest") {
				t.Errorf("%s imports the adapter %s; only the wiring may", s.path, room)
			}
		}
	}
}

func TestRoomsInTheTableExistAndUseTheirRights(t *testing.T) {
	used := map[string]map[string]bool{}
	for _, s := range sources(t) {
		if used[s.room] == nil {
			used[s.room] = map[string]bool{}
		}
		for _, spec := range s.file.Imports {
			if room, ours := inner(spec); ours && !s.test {
				used[s.room][room] = true
			}
		}
	}
	for room, may := range rooms {
		if used[room] == nil {
			t.Errorf("there is no room %q", room)
		}
		for _, other := range may {
			if !used[room][other] {
				t.Errorf("%s may import %s and does not; take the right away", room, other)
			}
		}
	}
}

func TestOutsideLibrariesStayInTheirRooms(t *testing.T) {
	for root, forbidden := range never {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", root).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", root, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			for _, f := range forbidden {
				if dep == f || strings.Contains(f, "/") && f != "database/sql" && strings.HasPrefix(dep, f) {
					t.Errorf("%s reaches %s", root, dep)
				}
			}
		}
	}
}

func TestFilesAndFunctionsFitTheirSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFuncLines)
			}
		}
	}
}

func TestEveryRoomSaysWhatItIs(t *testing.T) {
	said, all := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		all[s.room] = true
		if s.file.Doc != nil && len(s.file.Doc.Text()) > 40 {
			said[s.room] = true
		}
	}
	for room := range all {
		if !said[room] {
			t.Errorf("%s has no package comment", room)
		}
	}
}

func TestNamesSayWhatIsInside(t *testing.T) {
	empty := regexp.MustCompile(`(?i)(^|[/_])(utils?|common|helpers?|managers?|core|types?|misc|mocks?|shared|base|stuff)(\.go|[/_]|$)`)
	for _, s := range sources(t) {
		if empty.MatchString(s.path) {
			t.Errorf("%s: the name does not say what is inside", s.path)
		}
		most := maxDepth
		if strings.HasPrefix(s.path, "reference/") { // outsiders have a folder of their own
			most++
		}
		if depth := strings.Count(s.path, "/"); depth > most {
			t.Errorf("%s is %d folders deep, more than %d", s.path, depth, most)
		}
	}
}

func TestArchitectureNamesEveryRoom(t *testing.T) {
	page := read(t, "ARCHITECTURE.md")
	for room := range maps.Keys(rooms) {
		if !strings.Contains(page, "`"+room+"`") {
			t.Errorf("ARCHITECTURE.md does not name `%s`", room)
		}
	}
}

// Each direct dependency has a line that says which room it is for, and why.
func TestDependenciesAreAccountedFor(t *testing.T) {
	var want, have []string
	direct := regexp.MustCompile(`^\t(\S+) v\S+$`)
	lines := bufio.NewScanner(strings.NewReader(read(t, "go.mod")))
	for lines.Scan() {
		if m := direct.FindStringSubmatch(lines.Text()); m != nil {
			want = append(want, m[1])
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(read(t, "docs/dependencies.md"), -1) {
		have = append(have, m[1])
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) {
		t.Errorf("docs/dependencies.md has\n%s\nand go.mod has\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// A command that a page names must be there.
func TestPagesNameCommandsThatExist(t *testing.T) {
	targets := read(t, "Makefile")
	program := ""
	for _, s := range sources(t) {
		if s.room == "cmd/sluice" && !s.test {
			program += read(t, s.path)
		}
	}
	makes := regexp.MustCompile("(?m)(?:^|`|&& )make ([a-z0-9]+)")
	sluices := regexp.MustCompile(`(?m)(?:^|[\x60 /])sluice (consent|pull|partner|bank|feed) ([a-z]+(?:-[a-z]+)*)`)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "SECURITY.md") {
		text := read(t, page)
		for _, m := range makes.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(targets, "\n"+m[1]+":") {
				t.Errorf("%s names \"make %s\", which there is not", page, m[1])
			}
		}
		for _, m := range sluices.FindAllStringSubmatch(text, -1) {
			command := regexp.MustCompile("(?i)\\b" + m[1] + strings.ReplaceAll(m[2], "-", "") + "Cmd struct")
			if !command.MatchString(program) {
				t.Errorf("%s names \"sluice %s %s\", which there is not", page, m[1], m[2])
			}
		}
	}
}

// The threat model and the FAPI test plan name tests; each must be there.
func TestThreatModelNamesTestsThatExist(t *testing.T) {
	there := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				there[f.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(read(t, "docs/threat-model.md")+read(t, "docs/fapi-test-plan.md"), -1)
	if len(named) < 30 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !there[m[1]] {
			t.Errorf("a page names %s, which there is not", m[1])
		}
	}
}

// Links between pages must lead somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".md") || strings.HasPrefix(p, ".") {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(read(t, p), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", p, m[1], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
