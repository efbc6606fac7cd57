// Package consenttest has what tests of consents need: an in-memory Store that
// keeps its promises, and the suite that every Store must pass.
//
// It is for tests only. The suite makes its own instants, so it needs no clock,
// and every subtest opens a store of its own.
package consenttest
