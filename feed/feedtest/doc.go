// Package feedtest has what tests of feeds need: a feed.Store in memory that
// keeps its promises, and the suite that every store must pass.
//
// It is for tests only. The suite makes the instants of the stores under test.
package feedtest
