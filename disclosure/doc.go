// Package disclosure is the record of every release: who received what kinds
// of data of which accounts, why, and under which grant and policy. It never
// holds the data itself.
//
// Recording is the release point. An Appender writes an entry only if, in the
// same SQL transaction, the grant is still at the entry's revision and digest,
// ACTIVE and before its end, partner and bank are in good standing, and the
// day's unattended limit is not used up. Only then is there a Receipt, and
// without one nothing leaves. Only this package makes a Receipt.
//
// The SQL log is in logdb.
package disclosure
