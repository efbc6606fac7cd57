// Package bankapi is the door through which a bank looks after the consents
// about its data in its own name: list, read, end, hold and let go, take an
// account out everywhere, and follow every change. It reaches only consents
// about the calling bank's data; everything else looks as if it were not there.
// What a customer decides is customerapi's. Its tests are in consentview.
package bankapi
