// Package sqldbtest opens empty databases for tests, on each engine.
//
// PostgreSQL is the server that SLUICE_TEST_POSTGRES names; "make test" starts
// one. Without it, tests on PostgreSQL are left out, unless SLUICE_TEST_ALL is
// set: then they fail.
package sqldbtest
