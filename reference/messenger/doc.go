// Package messenger is a partner's chat: a customer connects banks, asks what they
// have and spent, answers their fraud alerts and talks with them, all through the
// gateway's public contract.
//
// It guarantees that what it has of a bank is shown under the consent it came by and
// no other, that it is gone from page and memory when that consent ends, is paused
// or does not cover it any more, and that customers can see all of what is held.
// What the gateway sends is acknowledged when it is held, not before.
//
// It keeps nothing on disk: a restart forgets customers, consents and all. It knows
// nobody's name: a browser is a device, and its cookie stands for the account with
// which somebody is logged in to the messenger.
//
// The tests' gateway is in gateway_test.go. README.md says how to run it.
package messenger
