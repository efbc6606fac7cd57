package consent

import (
	"slices"
	"strings"
	"time"

	consentv1 "sluice/gen/sluice/consent/v1"
)

// The names of things. They are opaque: nothing may be read out of them.
type (
	// ID names a consent. It is unguessable and never used again.
	ID string
	// PartnerID names a registered partner.
	PartnerID string
	// BankID names a registered bank.
	BankID string
	// CustomerID is a customer's name at one bank. It never leaves to a partner.
	CustomerID string
	// AccountID is an account's name at one bank. It never leaves to a partner.
	AccountID string
)

// The closed lists of the contract.
type (
	// Purpose is why a partner wants data.
	Purpose = consentv1.Purpose
	// Status is where a consent stands.
	Status = consentv1.ConsentStatus
	// ActorKind is in what role somebody changed a consent.
	ActorKind = consentv1.ActorKind
	// ChangeKind is what was done to a consent.
	ChangeKind = consentv1.ChangeKind
	// Why is the reason of a change, where there is one to give.
	Why = consentv1.ChangeReason
)

// PurposeName is the purpose as it stands in Rego, SQL and docs.
func PurposeName(p Purpose) string { return strings.TrimPrefix(p.String(), "PURPOSE_") }

// StatusName is the status as it stands in Rego, SQL and docs.
func StatusName(s Status) string { return strings.TrimPrefix(s.String(), "CONSENT_STATUS_") }

// Terms are what a partner asks for.
type Terms struct {
	Clusters         Clusters
	Purpose          Purpose
	PurposeText      string // the partner's own sentence
	LookBackDays     int    // days of the past, the day of the call included; 0: none
	ValidUntil       time.Time
	UnattendedPerDay int  // accesses without the customer per UTC day; 0: none
	OneTime          bool // for one sitting
	RetentionDays    int
}

// Share is what one account shares.
type Share struct {
	Account  AccountID
	Clusters Clusters
}

// Holds is the set of those who hold a consent for now. While it is not empty
// nothing is released. Each lifts only its own.
type Holds uint8

// The holds.
const (
	HeldByCustomer Holds = 1 << iota
	HeldByBank
	HeldByOperator
)

// Consent is what one customer, one partner and one bank agreed, at one
// revision. It is a value: changes make a new one and leave the old as it was.
type Consent struct {
	ID           ID
	Revision     int64 // counts every change, from 1
	Status       Status
	Partner      PartnerID
	Bank         BankID
	Customer     CustomerID // "" until a customer decided about it
	Asked        Terms
	Shares       []Share // ordered by account; empty until authorized
	LookBackDays int
	ValidUntil   time.Time
	EndClamped   bool // the end asked for was beyond the longest permitted
	Holds        Holds
	Awaiting     []CustomerID // co-holders who must still agree, in order
	CoHolders    []CustomerID // all who may see it: agreed, awaited or informed, in order; they stay when it ends
	Hidden       bool         // co-holders are neither asked nor told, for the customer's safety
	RenewalAsked time.Time    // the later end the partner asks for; zero: none
	RenewalAskAt time.Time    // when the partner asked for one last; zero: never
	EndAnnounced time.Time    // the end that was announced last; zero: none
	CreatedAt    time.Time
	ChangedAt    time.Time
	DecidedAt    time.Time // of the last change but the gateway's own and a partner's asking for renewal
	// FencedRevision: no answer released under an earlier revision can still
	// begin to leave, on any replica. It is behind Revision while a change of a
	// consent that was ACTIVE waits for those.
	FencedRevision int64
}

// Fenced says whether the newest revision is in force everywhere. Before that
// nothing new is released under an earlier one, but an answer that was may
// still be about to leave.
func (c Consent) Fenced() bool { return c.FencedRevision >= c.Revision }

// Seen is the status as its parties see it: a consent that was taken back is
// REVOKING until that is in force everywhere.
func (c Consent) Seen() Status {
	if c.Status == Revoked && !c.Fenced() {
		return consentv1.ConsentStatus_CONSENT_STATUS_REVOKING
	}
	return c.Status
}

// Actor is who changes a consent.
type Actor struct {
	Kind ActorKind
	ID   string
}

// Change says how a revision came about. Together with the Consent of that
// revision it is kept forever.
type Change struct {
	Consent  ID
	Revision int64
	Kind     ChangeKind
	Actor    Actor
	Why      Why
	At       time.Time
	Status   Status // after the change
}

// Clone copies the consent with everything in it.
func (c Consent) Clone() Consent {
	c.Shares = slices.Clone(c.Shares)
	c.Awaiting = slices.Clone(c.Awaiting)
	c.CoHolders = slices.Clone(c.CoHolders)
	return c
}
