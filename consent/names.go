package consent

import (
	"strings"

	consentv1 "sluice/gen/sluice/consent/v1"
)

// The statuses, by their short names.
const (
	Pending             = consentv1.ConsentStatus_CONSENT_STATUS_PENDING
	PartiallyAuthorized = consentv1.ConsentStatus_CONSENT_STATUS_PARTIALLY_AUTHORIZED
	Active              = consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE
	Paused              = consentv1.ConsentStatus_CONSENT_STATUS_PAUSED
	Suspended           = consentv1.ConsentStatus_CONSENT_STATUS_SUSPENDED
	Rejected            = consentv1.ConsentStatus_CONSENT_STATUS_REJECTED
	Expired             = consentv1.ConsentStatus_CONSENT_STATUS_EXPIRED
	Revoked             = consentv1.ConsentStatus_CONSENT_STATUS_REVOKED
	Consumed            = consentv1.ConsentStatus_CONSENT_STATUS_CONSUMED
	Superseded          = consentv1.ConsentStatus_CONSENT_STATUS_SUPERSEDED
)

// noStatus is where a consent stands that nobody has asked for yet.
const noStatus = consentv1.ConsentStatus_CONSENT_STATUS_UNSPECIFIED

// The kinds of change, by their short names.
const (
	KindRequest         = consentv1.ChangeKind_CHANGE_KIND_REQUEST
	KindAuthorize       = consentv1.ChangeKind_CHANGE_KIND_AUTHORIZE
	KindReject          = consentv1.ChangeKind_CHANGE_KIND_REJECT
	KindNarrow          = consentv1.ChangeKind_CHANGE_KIND_NARROW
	KindPause           = consentv1.ChangeKind_CHANGE_KIND_PAUSE
	KindResume          = consentv1.ChangeKind_CHANGE_KIND_RESUME
	KindSuspend         = consentv1.ChangeKind_CHANGE_KIND_SUSPEND
	KindUnsuspend       = consentv1.ChangeKind_CHANGE_KIND_UNSUSPEND
	KindRenew           = consentv1.ChangeKind_CHANGE_KIND_RENEW
	KindWithdrawAccount = consentv1.ChangeKind_CHANGE_KIND_WITHDRAW_ACCOUNT
	KindRevoke          = consentv1.ChangeKind_CHANGE_KIND_REVOKE
	KindExpire          = consentv1.ChangeKind_CHANGE_KIND_EXPIRE
	KindConsume         = consentv1.ChangeKind_CHANGE_KIND_CONSUME
	KindSupersede       = consentv1.ChangeKind_CHANGE_KIND_SUPERSEDE
	KindAskRenewal      = consentv1.ChangeKind_CHANGE_KIND_ASK_RENEWAL
	KindAnnounceEnd     = consentv1.ChangeKind_CHANGE_KIND_ANNOUNCE_END
)

// The roles of actors, by their short names.
const (
	ActorCustomer = consentv1.ActorKind_ACTOR_KIND_CUSTOMER
	ActorCoHolder = consentv1.ActorKind_ACTOR_KIND_CO_HOLDER
	ActorBank     = consentv1.ActorKind_ACTOR_KIND_BANK
	ActorPartner  = consentv1.ActorKind_ACTOR_KIND_PARTNER
	ActorOperator = consentv1.ActorKind_ACTOR_KIND_OPERATOR
	ActorSystem   = consentv1.ActorKind_ACTOR_KIND_SYSTEM
)

// The reasons of changes that this package gives, by their short names.
const (
	WhyUnstated             = consentv1.ChangeReason_CHANGE_REASON_UNSPECIFIED
	WhyCustomerRevoked      = consentv1.ChangeReason_CHANGE_REASON_CUSTOMER_REVOKED
	WhyCoHolderWithdrew     = consentv1.ChangeReason_CHANGE_REASON_CO_HOLDER_WITHDREW
	WhyPartnerRevoked       = consentv1.ChangeReason_CHANGE_REASON_PARTNER_REVOKED
	WhyBankTerminated       = consentv1.ChangeReason_CHANGE_REASON_BANK_TERMINATED
	WhyExpired              = consentv1.ChangeReason_CHANGE_REASON_EXPIRED
	WhyMaxDurationReached   = consentv1.ChangeReason_CHANGE_REASON_MAX_DURATION_REACHED
	WhyAuthorizationTimeout = consentv1.ChangeReason_CHANGE_REASON_AUTHORIZATION_TIMEOUT
	WhyCustomerRejected     = consentv1.ChangeReason_CHANGE_REASON_CUSTOMER_REJECTED
	WhySecurity             = consentv1.ChangeReason_CHANGE_REASON_SECURITY
	WhySuperseded           = consentv1.ChangeReason_CHANGE_REASON_SUPERSEDED
	WhyOneTimeUsed          = consentv1.ChangeReason_CHANGE_REASON_ONE_TIME_USED
	WhyUnused               = consentv1.ChangeReason_CHANGE_REASON_UNUSED
	WhyAccountClosed        = consentv1.ChangeReason_CHANGE_REASON_ACCOUNT_CLOSED
)

// ChangeName is the kind of change as it stands in SQL and docs.
func ChangeName(k ChangeKind) string { return strings.TrimPrefix(k.String(), "CHANGE_KIND_") }

// ActorName is the role as it stands in SQL and docs.
func ActorName(k ActorKind) string { return strings.TrimPrefix(k.String(), "ACTOR_KIND_") }

// WhyName is the reason as it stands in SQL and docs.
func WhyName(w Why) string { return strings.TrimPrefix(w.String(), "CHANGE_REASON_") }

// Live says whether a consent of this status was agreed to by all and has not
// ended: it is ACTIVE or held.
func Live(s Status) bool { return s == Active || s == Paused || s == Suspended }

// Ended says whether the status is an end, which nothing leads out of.
func Ended(s Status) bool {
	switch s {
	case Rejected, Expired, Revoked, Consumed, Superseded:
		return true
	default:
		return false
	}
}
