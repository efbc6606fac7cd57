// Package internal has what authn's own rooms say to each other and nobody else
// may: that a party proved itself in another way than by its connection. Go
// itself keeps others from importing it, and so from forging a caller. It never
// decides anything; its one user is tested in authn/accesstoken.
package internal

import "sluice/consent"

// Proven is a partner that proved itself by a token bound to its key or
// certificate.
type Proven struct{ Partner consent.PartnerID }
