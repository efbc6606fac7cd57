// Package keyset is the public keys of partners: reading a JWK set (RFC 7517)
// strictly, and fetching one from a partner's address without letting that
// address reach into the operator's own network.
package keyset
