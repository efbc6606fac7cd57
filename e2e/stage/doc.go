// Package stage is what tests from outside play on: the built program as a gateway
// with its pages, sample banks as processes of their own, and partners that send
// customers to agree. It knows the contract and the command line only.
//
// It ends exactly the processes that it started. Nothing here is for use outside
// of tests.
package stage
