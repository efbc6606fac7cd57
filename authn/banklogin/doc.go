// Package banklogin is how a customer proves who they are: at their own bank,
// which is an OpenID provider, with the gateway as its relying party. The gateway
// never sees a password.
//
// Begin makes the address at the bank and what must be remembered until the
// customer is back; Finish takes what came back and says who it is. A customer is
// believed only if state, nonce, issuer, audience, signature and times all fit,
// and the ID token came straight from the bank's token endpoint, over TLS, for a
// code that PKCE binds to this login. The caller keeps a Pending in the browser's
// own session, and gives each to Finish once.
//
// Issuers come from the operator's registry alone. Everything fetched is bounded
// in size and time, follows no redirects, and a bank that is down makes only its
// own logins fail. The gateway proves itself with its signing key
// (private_key_jwt); banks read the public half from the gateway's own JWKS, so
// there is no other set to serve.
//
// The tests log in at reference/samplebank, a real provider, and at one that
// cheats.
package banklogin
