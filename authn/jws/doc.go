// Package jws reads signed JWTs as strictly as what they open deserves: JSON that
// tells upper from lower case and has each member once, and an algorithm that the
// key decides and not the header. It knows neither tokens nor proofs, and no text
// of its errors has anything of what it read. Its tests are those of
// authn/accesstoken and authn/dpop, which are made of it.
package jws
