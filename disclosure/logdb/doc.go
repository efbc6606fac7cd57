// Package logdb is the log of disclosures in SQL. Append is the release point:
// one statement that checks the grant again and adds the entry, or does neither.
package logdb
