// Package gateway is the Gate: the only way data leaves.
//
// Release walks grant, decide, fetch, filter, record, release, and each step's
// result is a type that only that step's room can make: consent.Grant,
// policy.Verdict, bank.Answer, fields.Shown, disclosure.Receipt, Released. A
// door can send nothing but a Released, and there is none without a Receipt.
// Deliver is the same walk with an event in the place of the bank, Converse the
// one walk on which the bank is told something.
// Whatever fails on the way ends the walk with a refusal: no decision, no data.
//
// The gate never sees SQL, Redis or gRPC; doors are in its children.
package gateway
