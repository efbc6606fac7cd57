// Package replaydb keeps uses of proofs and assertions in SQL, for all
// replicas: one row a use, under the hash of its key. A use is committed before
// it counts. Rows whose time is over by the caller's clock and the database's
// are removed by Sweep.
package replaydb
