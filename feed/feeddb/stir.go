package feeddb

import "sluice/consent"

// Stir says that something was done to the partners' deliveries that this store
// did not do: it looks again when it is asked next.
func (s *Store) Stir(partners ...consent.PartnerID) { s.quiet.end(partners...) }
