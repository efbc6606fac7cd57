// Package replay says what it means that a proof can be used once.
//
// A partner's proof (RFC 9449) or assertion (RFC 7523) has an id that its
// signer never uses again. Whoever verified one asks a Store for its use, last
// of all; the Store answers once, for all replicas, that the use is fresh. A
// Store that can't be reached answers an error, and the proof counts as used:
// losing a store must not open a window.
//
// authn/replaydb keeps uses in SQL, which alone is the truth. The suite that
// each store passes, and one in memory for tests, are in authn/replaytest.
package replay
