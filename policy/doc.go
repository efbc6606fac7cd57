// Package policy answers: may this be shared, and which part of it?
//
// The rules are Rego (rules/*.rego), say only what is allowed, and are compiled
// once. A Question is typed and always complete; a Verdict is sealed, made only
// here, and its zero value permits nothing. Any failure to evaluate is an
// error, never a permission. It is the only room that knows OPA.
package policy
