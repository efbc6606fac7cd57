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
// Who redeems a code that was redeemed revokes what came of it, also when both
// do so at once (RFC 6749, 4.1.2): one gets an access token, and its refresh token
// is dead with the grant. The consent is not: the partner asks the customer anew.
// A partner may refresh as often and as parallel as it likes: refresh tokens are
// not rotated (FAPI 2.0, 5.3.2.1), and outlive the certificate they came with.
//
// What fails inside is temporarily_unavailable, never the client's fault: nobody
// throws a good refresh token away for it. Nothing is shown to a browser before
// it is kept. Codes, tokens, assertions and proofs are never logged.
//
// The SQL store is oauth/oauthdb. What is tried is listed in docs/fapi-test-plan.md.
package oauth
