// Command chaos runs three replicas as processes, on a PostgreSQL, a Redis and
// four sample banks of its own, breaks things under them while partners pull and
// customers change their minds, and banks publish, and then compares what
// everybody was told with the record. A run is repeated by its seed.
//
// One driver makes all calls and reads one clock, so "after" is what it says.
// See history.go for what is checked, feeds.go for what is checked of events,
// faults.go and workloads.go for the matrix.
package main
