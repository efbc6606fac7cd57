// Package feed takes events from banks and keeps them for the partners whose
// customers permit them, until each has acknowledged its own.
//
// What a bank publishes of one account is numbered, and is taken in that order,
// once: sending it again changes nothing, and what comes after a gap waits
// outside. What was taken is durable. On being taken an event becomes one
// Delivery for each live consent that shares the account and what the event
// tells of. The deliveries of a consent about one account are given out one
// after the other, at least once, and given out again until they are
// acknowledged; consumers of one partner share the load by shards.
//
// A delivery is not a release: whoever takes one must pass the gate with it,
// and Drop it if the gate says that it is no longer permitted. This package
// neither reads what an event says nor decides who may see it. Contents are
// sealed while they wait, and are erased with the last delivery that needs them.
//
// feed/feeddb keeps feeds in SQL; feed/feedtest has a store in memory, and the
// suite that both pass.
package feed
