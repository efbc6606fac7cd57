// Package consent holds what a customer allowed a partner to see, and how that
// changes.
//
// The state machine is pure: every change is a function from a Consent to the
// next revision of it and the Change that says who, why and when. Book is the
// service around it; it reads the clock once per call and keeps what the
// machine made in a Store. A Grant is the enforceable form of one revision and
// can be made only here; its zero value permits nothing.
//
// The package never sees SQL, Redis, gRPC or Rego. Stores live in its children
// and pass the suite of consenttest, where the in-memory fake is too.
package consent
