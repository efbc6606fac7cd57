// Package customerapi is the door through which a bank acts for a customer it
// has authenticated: look at consents, agree, narrow, pause, resume, renew,
// withdraw, revoke, and see what was released. It reaches only consents about
// the calling bank's data and only those of the customer named; everything
// else looks as if it were not there.
package customerapi
