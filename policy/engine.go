package policy

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

//go:embed rules/*.rego
var ruleFiles embed.FS

const entrypoint = "data.sluice.release.decision"

// Engine decides by the rules. It may be used by many goroutines.
type Engine struct {
	query    rego.PreparedEvalQuery
	revision string
	kept     *kept
}

// New compiles the rules.
func New(ctx context.Context) (*Engine, error) {
	modules, revision, err := load(ruleFiles)
	if err != nil {
		return nil, fmt.Errorf("load rules: %w", err)
	}
	options := []func(*rego.Rego){rego.Query(entrypoint), rego.StrictBuiltinErrors(true)}
	for name, text := range modules {
		options = append(options, rego.Module(name, text))
	}
	query, err := rego.New(options...).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile rules: %w", err)
	}
	return &Engine{query: query, revision: revision, kept: newKept()}, nil
}

// load reads the rules without their tests, and names them by their content.
func load(files fs.FS) (map[string]string, string, error) {
	names, err := fs.Glob(files, "rules/*.rego")
	if err != nil {
		return nil, "", fmt.Errorf("list: %w", err)
	}
	modules, sum := map[string]string{}, sha256.New()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, "", fmt.Errorf("read: %w", err)
		}
		modules[name] = string(text)
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	return modules, "rules-" + hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// Decide answers a question. An error means that there is no decision: nothing
// may be released. A verdict never goes beyond the question's grant, whatever
// the rules say. A question that was answered is not evaluated again while its
// verdict holds.
func (e *Engine) Decide(ctx context.Context, q Question) (Verdict, error) {
	if q.Kind < Accounts || q.Kind > Messages {
		return Verdict{}, fmt.Errorf("decide: no such kind: %d", q.Kind)
	}
	key := q.key(e.revision)
	if v, ok := e.kept.find(key, q.At); ok {
		return v, nil
	}
	d, err := e.evaluate(ctx, q.input())
	if err != nil {
		return Verdict{}, fmt.Errorf("decide: %w", err)
	}
	if err := d.withinGrant(q); err != nil {
		return Verdict{}, fmt.Errorf("decide: the rules went beyond the grant: %w", err)
	}
	v := d.verdict(q, key, e.revision)
	e.kept.keep(v)
	return v, nil
}

func (e *Engine) evaluate(ctx context.Context, input ast.Value) (decision, error) {
	if err := ctx.Err(); err != nil {
		return decision{}, fmt.Errorf("evaluate: %w", err)
	}
	results, err := e.query.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil {
		return decision{}, fmt.Errorf("evaluate: %w", err)
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return decision{}, errors.New("evaluate: no decision")
	}
	d, err := readDecision(results[0].Expressions[0].Value)
	if err != nil {
		return decision{}, fmt.Errorf("read decision: %w", err)
	}
	return d, nil
}
