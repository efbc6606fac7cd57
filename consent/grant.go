package consent

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// Grant is the enforceable form of one consent revision: what the policy and
// the gate read. (ID, Revision) names it and Digest binds its content. Only
// this package makes one; the zero value has no status and permits nothing.
type Grant struct {
	c      Consent
	digest [32]byte
}

// Grant makes the grant of this revision, whatever its status.
func (c Consent) Grant() Grant { return Grant{c: c.Clone(), digest: c.digest()} }

// ID names the consent.
func (g Grant) ID() ID { return g.c.ID }

// Revision is the consent's revision.
func (g Grant) Revision() int64 { return g.c.Revision }

// Digest is the SHA-256 of all the gate relies on.
func (g Grant) Digest() [32]byte { return g.digest }

// Status is where the consent stands.
func (g Grant) Status() Status { return g.c.Status }

// Partner is who may receive.
func (g Grant) Partner() PartnerID { return g.c.Partner }

// Bank is whose data it is about.
func (g Grant) Bank() BankID { return g.c.Bank }

// Customer is whose consent it is.
func (g Grant) Customer() CustomerID { return g.c.Customer }

// Purpose is why.
func (g Grant) Purpose() Purpose { return g.c.Asked.Purpose }

// Shares is what each account shares, ordered by account. It must not be changed.
func (g Grant) Shares() []Share { return g.c.Shares }

// Share finds what one account shares.
func (g Grant) Share(a AccountID) (Share, bool) {
	i, ok := slices.BinarySearchFunc(g.c.Shares, a, func(s Share, a AccountID) int {
		return compareAccounts(s.Account, a)
	})
	if !ok {
		return Share{}, false
	}
	return g.c.Shares[i], true
}

// LookBackDays is how many days of the past, today included.
func (g Grant) LookBackDays() int { return g.c.LookBackDays }

// ValidUntil is the first instant at which nothing may be released any more.
func (g Grant) ValidUntil() time.Time { return g.c.ValidUntil }

// UnattendedPerDay is how many accesses without the customer a UTC day has.
func (g Grant) UnattendedPerDay() int { return g.c.Asked.UnattendedPerDay }

// OneTime says that the consent is for one sitting.
func (g Grant) OneTime() bool { return g.c.Asked.OneTime }

func compareAccounts(a, b AccountID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// digest covers every member that a decision or a release relies on. Strings
// are length-prefixed, so no two different consents have the same bytes.
func (c Consent) digest() [32]byte {
	b := make([]byte, 0, 256)
	num := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	str := func(s string) { num(int64(len(s))); b = append(b, s...) }
	str("sluice grant v1")
	str(string(c.ID))
	num(c.Revision)
	num(int64(c.Status))
	str(string(c.Partner))
	str(string(c.Bank))
	str(string(c.Customer))
	num(int64(c.Asked.Purpose))
	num(int64(c.Asked.UnattendedPerDay))
	if c.Asked.OneTime {
		num(1)
	} else {
		num(0)
	}
	num(int64(c.LookBackDays))
	num(c.ValidUntil.UnixMilli())
	num(int64(len(c.Shares)))
	for _, s := range c.Shares {
		str(string(s.Account))
		num(int64(s.Clusters))
	}
	return sha256.Sum256(b)
}
