// Package holding is all that the messenger has of what banks gave it: in memory,
// each thing under the consent it came by.
//
// It guarantees that nothing is in it longer than the customer agreed to, or than
// the consent lasts; that when a consent ends or is paused all that came by it is
// gone before the call that says so returns, and when it is narrowed all that it
// does not cover any more; and that what was on its way meanwhile is not kept. A
// restart forgets everything.
//
// It does not know what the things are. The property test is in holding_test.go.
package holding
