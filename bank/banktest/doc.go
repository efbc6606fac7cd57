// Package banktest is a bank that answers what a test tells it to: too much, too
// little, garbage, late or not at all. It stands in the gate's own process as a
// bank.Directory, or serves its services over gRPC.
package banktest
