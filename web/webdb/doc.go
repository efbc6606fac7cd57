// Package webdb keeps the customer's pages' sessions, and logins under way, in
// SQL. What it holds is keyed by hashes: whoever reads the tables can act as
// nobody. It never decides whether a session still holds; web does.
package webdb
