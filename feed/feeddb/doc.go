// Package feeddb keeps feeds in SQL: where each account stands, events while
// somebody waits for them, and each partner's deliveries. A batch is one
// transaction. Leases and what is due are timed by the database's clock, which
// the statements that lock read as they do.
//
// Whoever adds deliveries of a partner, gives them out or ends them locks the
// rows of the shards concerned, in their order, so that positions are dense and
// of each lane one delivery is the head. Locks are taken in one order
// everywhere: accounts, shards, events.
package feeddb
