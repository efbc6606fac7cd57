// Package bankapi is the door through which a bank looks after the consents
// about its data in its own name: list, read, end, hold and let go, take an
// account out everywhere, and follow every change. It reaches only consents
// about the calling bank's data; everything else looks as if it were not there.
// What a customer decides is customerapi's. The tests of this are in
// consentview.
//
// It is also where banks publish: FeedService holds each event against the
// contract by itself, takes what is good into the feed before it answers, and
// says what is wrong with the rest. An account that is closed or left by its
// customer leaves the consents before the event that says so is taken.
package bankapi
