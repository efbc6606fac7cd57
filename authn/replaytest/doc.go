// Package replaytest has what tests of replay protection share: the suite that
// every replay.Store must pass, and a store in memory that passes it.
package replaytest
