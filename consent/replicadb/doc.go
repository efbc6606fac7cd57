// Package replicadb keeps the replicas' rows, and reads the log of changes for
// them, in SQL.
package replicadb
