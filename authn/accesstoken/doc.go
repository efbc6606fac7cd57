// Package accesstoken verifies what a partner's call shows: an access token of
// this gateway's (RFC 9068), bound to the partner's key (DPoP, RFC 9449), to
// its certificate (RFC 8705), or to both.
//
// What a token says is a ceiling: Token tells whose it is, of which consent, and
// what may leave at most. It never says that something may leave; that is for
// the gate and the live consent. Everything about a binding is checked in each
// call, and a proof is good for one call on one replica, or for none if it can't
// be known. Only signature and claims of a token are remembered, under the hash
// of it, for a minute at most: a key that was taken out of the ring is believed
// no longer than that, and a decision is never remembered at all.
//
// No text that leaves this package, in errors for callers or for the log, has a
// token, a proof, a key or anything else of theirs in it. Only this package makes
// a Token; the zero value is nobody's. The uses of proofs are in authn/replay.
package accesstoken
