// Package oauth is the authorization server: FAPI 2.0 Security Profile with
// pushed authorization requests, PKCE, rich authorization requests of type
// account_data, clients that prove themselves by key or certificate, and tokens
// bound to their sender.
//
// A pushed request asks for a consent; the code and the tokens that follow name
// it. They are the key, and the consent is the lock: what a token may still read
// is decided at the gate, on every call, by the consent as it is then.
//
// It is the only room that imports the OAuth library. What that leaves open is
// closed here: redeeming a code or finishing a request is a compare-and-set, each
// request is bound to the browser that began it, proofs are used once, refresh
// tokens and codes stand in the store as keyed hashes. It shows no pages: the
// browser is sent to AskPage and comes back when the customer has decided.
//
// The SQL store is oauth/oauthdb.
package oauth
