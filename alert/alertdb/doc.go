// Package alertdb keeps customers' answers to alerts in SQL, for all replicas.
//
// An answer is inserted under the same fence as the record of a release: in one
// transaction with the grant row as the gate saw it, and both parties in good
// standing. What revokes, narrows or pauses the consent changes that row, so an
// answer is kept before it or not at all. The key of the alert lets one answer
// in. The clock is the database's.
package alertdb
