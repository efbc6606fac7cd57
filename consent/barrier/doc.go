// Package barrier makes a change of a consent final: once Await returned, no
// answer released under the consent as it was before begins to leave any more,
// on any replica.
//
// That nothing new is released is not its work: the fence of the log of
// disclosures sees to it from the commit of the change on. What is left are
// answers recorded just before the commit whose bytes have not been handed to
// the transport yet. Every hand-off is a section of the replica's Gates, may
// begin only within HandOffLimit of the moment the release began to be
// recorded, and not after a tombstone of a newer revision.
//
// So a change is final when each replica that may hold such an answer has set a
// tombstone and its open sections have ended; or, for one that does not answer,
// when its answers have become too old, by this replica's own clock and with a
// margin for clocks whose rates differ by up to 10 %. No wall clock takes part.
//
// What is not promised: a process that is frozen for longer than the margin
// between its look at the clock and the hand-off a few microseconds later sends
// when it wakes. It notices, and the record of the release then says LATE. And
// what was handed to the transport before the change travels on: at most a
// connection's flow-control window and the socket's buffer.
package barrier
