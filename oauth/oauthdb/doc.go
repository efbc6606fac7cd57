// Package oauthdb keeps authorization requests and what came of them in SQL. What
// a row says is sealed by oauth; codes and refresh tokens are hashes.
package oauthdb
