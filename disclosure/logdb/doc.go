// Package logdb is the log of disclosures in SQL. Append is the release point:
// one statement that checks the grant again and adds the entry, or does neither.
//
// Beside it stands what consents kept back, as counts by day and reason. Those
// are gathered and written in the background, and the last moments of them are
// lost when the process is killed: they are for the customer to look at, and
// nothing is decided by them.
package logdb
