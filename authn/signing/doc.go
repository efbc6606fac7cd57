// Package signing keeps the keys with which the gateway signs: access tokens,
// receipts, and what it says of itself to banks.
//
// A key is shown before it signs and for a while after, so that whoever keeps the
// published set for less than Lead never meets a signature he can't check. All
// replicas have the same keys. Private halves stand sealed in the store, and are
// erased when a key retires; its public half is kept, for receipts are kept too.
//
// The SQL store is authn/signingdb.
package signing
