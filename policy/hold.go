package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"sluice/consent"
	"sluice/disclosure"
)

// nextDay is when the count of unattended accesses and the look-back move on.
func (q Question) nextDay() time.Time { return (consent.DayOf(q.At) + 1).Start() }

// holdsUntil is the next instant at which the clock alone changes the answer: the
// next day, here or where it comes first, the consent's end, or a sitting's.
func (q Question) holdsUntil() time.Time {
	until := q.nextDay()
	sooner := func(t time.Time) {
		if t.After(q.At) && t.Before(until) {
			until = t
		}
	}
	sooner((latestDay(q.At) + 1).Start().Add(-farthestAhead))
	sooner(q.Grant.ValidUntil())
	if q.Grant.OneTime() && !q.FirstRelease.IsZero() {
		sooner(q.FirstRelease.Add(disclosure.OneTimeSitting))
	}
	return until
}

// key covers the whole question but its clock. The grant is in it by its
// digest, which binds all its content, and the ceiling by what it leaves of the
// grant. Strings are length-prefixed, so no two
// different questions have the same bytes.
func (q Question) key(revision string) [32]byte {
	b := make([]byte, 0, 256)
	num := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	str := func(s string) { num(int64(len(s))); b = append(b, s...) }
	yes := func(v bool) {
		if v {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	digest := q.Grant.Digest()
	str(revision)
	b = append(b, digest[:]...)
	str(string(q.Partner))
	yes(q.PartnerActive)
	yes(q.BankActive)
	num(int64(q.ChatPass))
	num(int64(q.Kind))
	num(int64(q.Purpose))
	yes(q.Unattended)
	yes(q.Continues)
	yes(q.Pushed)
	num(int64(len(q.Accounts)))
	for _, a := range q.Accounts {
		str(string(a))
	}
	num(int64(q.Unnamed))
	num(int64(q.From))
	num(int64(q.To))
	yes(q.Ceiling != nil)
	if q.Ceiling != nil {
		within := q.shares()
		num(int64(len(within)))
		for _, s := range within {
			str(string(s.Account))
			num(int64(s.Clusters))
		}
	}
	num(int64(q.UnattendedToday))
	yes(q.FirstRelease.IsZero())
	if !q.FirstRelease.IsZero() {
		num(q.FirstRelease.UnixMilli())
	}
	return sha256.Sum256(b)
}
