// Package grantdb keeps consents in SQL: every revision with its change for
// ever, the newest as a grant row that the fence of each release reads, and an
// ordered log of changes. Each change is one transaction of all three, and of what
// feeds need: which accounts are shared with whom, and that there is a change.
package grantdb
