// Package link connects a customer's bank by OAuth, as FAPI 2.0 has it for a client
// with a certificate: a pushed request, PKCE, and tokens bound to the certificate.
//
// It guarantees that what came back ends only what was begun, once, in the browser
// that began it, and that it came from the authorization server that was asked: the
// state is one of ours and of that browser, and iss is compared. It keeps nothing
// of a visit longer than a quarter of an hour, and nothing on disk.
//
// It never looks into a token, and shows none to anybody.
package link
