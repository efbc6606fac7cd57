// Package sqldb opens the database and brings its schema up to date, nothing
// else. It is the only room that knows SQL drivers.
//
// The embedded database is SQLite: one writer, WAL, and synchronous=FULL, so
// that what was committed survives a loss of power. A lock file beside it keeps
// a second process out.
package sqldb
