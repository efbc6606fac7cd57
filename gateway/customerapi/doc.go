// Package customerapi is the door through which a bank acts for a customer it
// has authenticated: look at consents, agree, narrow, pause, resume, renew,
// withdraw, revoke one or all, and see what was released and refused. It reaches
// only consents about the calling bank's data, and only those of the customer
// named, or that name them as a co-holder and are not hidden; everything else
// looks as if it were not there. A co-holder gets no record of what was released,
// and of what else stands in the consent the bank shows its accounts' holders
// what is theirs.
//
// Who must agree to the sharing of a joint account is the bank's to say, and
// asked when its customer agrees: no caller can leave a co-holder out. Its tests
// are in consentview.
package customerapi
