// Package pagetoken makes page tokens that nobody can read, change or use for
// anything but the call they continue: AES-256-GCM over the content, with the
// partner, consent, account and filter as authenticated data.
package pagetoken
