// Package samplebank is a bank with real transactions, for demonstration and
// tests: it serves BankService and ConversationService as any bank would, logs its
// customers in as an OpenID provider, publishes what happened, gives its agents a
// desk, and knows nothing of the gateway but its public contract.
//
// Four banks share the Berka data set's accounts (account number modulo four);
// purchases by card are Oxford City Council's. README.md says what is real, what
// is derived, and how the dates are moved.
package samplebank
