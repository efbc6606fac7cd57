// Package dpop reads proofs that their sender has a key (DPoP, RFC 9449): what the
// gate and the authorization server both demand of one, whoever it is for. A Proof
// is genuine and says what it says; whether that is this call, this token and this
// key is for its reader to compare. It is used up in authn/replay, last of all.
//
// No text of its errors has anything of a proof in it. It is tried through
// authn/accesstoken, whose tests and fuzzing send every kind of bad proof, and
// through oauth.
package dpop
