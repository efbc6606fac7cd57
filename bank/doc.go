// Package bank is where account data comes from: the Source contract, and the
// Directory that finds a bank's Source. An answer stays encoded, as the bank
// sent it; nothing of it may be believed or released before gateway/fields has
// been through it. The gRPC client is in bankgrpc, the scriptable fake bank in
// banktest.
package bank
