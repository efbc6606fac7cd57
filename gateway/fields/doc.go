// Package fields keeps the permitted part of a bank's answer and drops the rest.
//
// It works on the encoded message: tables compiled from the marks in the
// contract (proto/sluice/data/v1) say which data cluster each field needs, and
// Keep walks the wire format and copies what the Permit allows. What is not
// marked, not known, of the wrong wire type, of another account or outside the
// permitted days never reaches the output. Account ids leave as the partner's
// pairwise ids and numbers leave masked where the permit says so. What people wrote
// leaves as gateway/masking rewrites it, and a message that belongs to another
// consent, or to none, does not leave.
//
// Only this package makes a Shown; its zero value shows nothing. A second,
// reflective implementation lives in the tests, and both must agree.
package fields
