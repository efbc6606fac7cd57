package policy

import (
	"cmp"
	"slices"
	"time"

	"sluice/consent"
	"sluice/refusal"
	"sluice/registry"
)

// Permission is what may leave of one account.
type Permission struct {
	Account  consent.AccountID
	Clusters consent.Clusters // implied ones included
	Masked   bool             // account and card numbers leave masked
}

// Verdict is the policy's answer to one Question, with the obligations of a
// release. Only this package makes one; the zero value permits nothing. It is
// shared by those who ask the same, so what it gives must not be changed.
type Verdict struct {
	allowed     bool
	reasons     []refusal.Reason
	permissions []Permission
	refused     map[consent.AccountID]refusal.Reason
	from, to    consent.Day
	limit       int
	remaining   int
	chatPass    registry.ChatPass
	resetAt     time.Time
	madeAt      time.Time
	holdsUntil  time.Time
	key         [32]byte
	revision    string
}

// Allowed says whether anything may leave.
func (v Verdict) Allowed() bool { return v.allowed }

// Reasons is why not, the most telling first; empty when allowed.
func (v Verdict) Reasons() []refusal.Reason { return v.reasons }

// Permissions is what may leave, ordered by account; empty unless allowed.
func (v Verdict) Permissions() []Permission { return v.permissions }

// Refused says why single accounts that were asked for may not leave although
// the call is allowed for others.
func (v Verdict) Refused() map[consent.AccountID]refusal.Reason { return v.refused }

// From is the first day that may leave, To the last.
func (v Verdict) From() consent.Day { return v.from }

// To is the last day that may leave.
func (v Verdict) To() consent.Day { return v.to }

// Limit is the day's unattended accesses, Remaining those left after this
// call, ResetAt when counting starts anew.
func (v Verdict) Limit() int { return v.limit }

// Remaining is how many unattended accesses are left once this one is counted.
func (v Verdict) Remaining() int { return v.remaining }

// ChatPass is what the bank lets pass unmasked of what people write; nothing
// where the call is about other data.
func (v Verdict) ChatPass() registry.ChatPass { return v.chatPass }

// ResetAt is when the count of unattended accesses starts anew.
func (v Verdict) ResetAt() time.Time { return v.resetAt }

// HoldsUntil is the first instant at which the same question, asked again, may
// have another answer.
func (v Verdict) HoldsUntil() time.Time { return v.holdsUntil }

// Key names the question, its clock reading left out: two questions of one Key
// have one answer until HoldsUntil.
func (v Verdict) Key() [32]byte { return v.key }

// Revision names the rules that decided.
func (v Verdict) Revision() string { return v.revision }

// verdict seals a decision that is within the grant.
func (d decision) verdict(q Question, key [32]byte, revision string) Verdict {
	v := Verdict{
		allowed: d.allow, reasons: d.reasons, refused: d.refused,
		from: d.from, to: d.to, limit: d.limit, remaining: d.remaining, chatPass: d.chatPass,
		resetAt: q.nextDay(), madeAt: q.At, holdsUntil: q.holdsUntil(), key: key, revision: revision,
	}
	for _, p := range d.permissions {
		v.permissions = append(v.permissions, p)
	}
	slices.SortFunc(v.permissions, func(a, b Permission) int { return cmp.Compare(a.Account, b.Account) })
	return v
}
