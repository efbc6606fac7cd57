// Package sqldb opens the database and brings its schema up to date, nothing
// else. It is the only room that knows SQL drivers.
//
// The embedded database is SQLite: one writer, WAL, and synchronous=FULL, so
// that what was committed survives a loss of power; a lock file beside it keeps
// a second process out. Many replicas share PostgreSQL, which is refused if it
// can't keep what it acknowledged.
//
// Statements are the same for both: $1, $2, … name arguments, instants are
// milliseconds since 1970, and what is true or false is 1 or 0. What must differ
// stands in sqlite.go, postgres.go and the two folders of migrations, or is asked
// for with DB.Engine.
package sqldb
