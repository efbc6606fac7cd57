package refusal

import (
	"errors"
	"fmt"
	"strings"

	refusalv1 "sluice/gen/sluice/refusal/v1"
)

// Domain is the ErrorInfo domain of every refusal.
const Domain = "sluice"

// Reason is why a request was refused.
type Reason = refusalv1.Reason

// The reasons, by their short names.
const (
	InvalidRequest      = refusalv1.Reason_REASON_INVALID_REQUEST
	CallerUnknown       = refusalv1.Reason_REASON_CALLER_UNKNOWN
	CallerNotPermitted  = refusalv1.Reason_REASON_CALLER_NOT_PERMITTED
	ConsentNotFound     = refusalv1.Reason_REASON_CONSENT_NOT_FOUND
	ConsentPending      = refusalv1.Reason_REASON_CONSENT_PENDING
	ConsentRejected     = refusalv1.Reason_REASON_CONSENT_REJECTED
	ConsentPaused       = refusalv1.Reason_REASON_CONSENT_PAUSED
	ConsentSuspended    = refusalv1.Reason_REASON_CONSENT_SUSPENDED
	ConsentExpired      = refusalv1.Reason_REASON_CONSENT_EXPIRED
	ConsentRevoked      = refusalv1.Reason_REASON_CONSENT_REVOKED
	ConsentConsumed     = refusalv1.Reason_REASON_CONSENT_CONSUMED
	ConsentSuperseded   = refusalv1.Reason_REASON_CONSENT_SUPERSEDED
	AccountNotCovered   = refusalv1.Reason_REASON_ACCOUNT_NOT_COVERED
	ClusterNotCovered   = refusalv1.Reason_REASON_CLUSTER_NOT_COVERED
	LookbackExceeded    = refusalv1.Reason_REASON_LOOKBACK_EXCEEDED
	PurposeNotPermitted = refusalv1.Reason_REASON_PURPOSE_NOT_PERMITTED
	AccessLimitReached  = refusalv1.Reason_REASON_ACCESS_LIMIT_REACHED
	PartnerSuspended    = refusalv1.Reason_REASON_PARTNER_SUSPENDED
	BankSuspended       = refusalv1.Reason_REASON_BANK_SUSPENDED
	BankUnavailable     = refusalv1.Reason_REASON_BANK_UNAVAILABLE
	BankAnswerInvalid   = refusalv1.Reason_REASON_BANK_ANSWER_INVALID
	PolicyUnavailable   = refusalv1.Reason_REASON_POLICY_UNAVAILABLE
	RecordUnavailable   = refusalv1.Reason_REASON_RECORD_UNAVAILABLE
	GrantChanged        = refusalv1.Reason_REASON_GRANT_CHANGED
	PageTokenInvalid    = refusalv1.Reason_REASON_PAGE_TOKEN_INVALID
	ChangeNotPossible   = refusalv1.Reason_REASON_CHANGE_NOT_POSSIBLE
	ConsentConflict     = refusalv1.Reason_REASON_CONSENT_CONFLICT
	PartyNotFound       = refusalv1.Reason_REASON_PARTY_NOT_FOUND
	DeadlineExceeded    = refusalv1.Reason_REASON_DEADLINE_EXCEEDED
	Internal            = refusalv1.Reason_REASON_INTERNAL
	TokenInvalid        = refusalv1.Reason_REASON_TOKEN_INVALID
)

// Name is the reason as it stands on the wire and in Rego, e.g. "CONSENT_REVOKED".
func Name(r Reason) string { return strings.TrimPrefix(r.String(), "REASON_") }

// Parse finds a reason by its Name. It is false for names that are not in the list.
func Parse(name string) (Reason, bool) {
	n, ok := refusalv1.Reason_value["REASON_"+name]
	return Reason(n), ok && n != 0
}

// Violation says what is wrong with one field of a request.
type Violation struct {
	Field       string // proto path, e.g. "access.consent_id"
	Description string
}

// Error is a refusal. Everything in it but the cause is for the caller's eyes.
type Error struct {
	Reason     Reason
	Message    string // what the caller should do; never another party's data
	Violations []Violation
	Metadata   map[string]string
	cause      error
}

// New makes a refusal.
func New(r Reason, message string) *Error { return &Error{Reason: r, Message: message} }

// Because makes a refusal whose cause is for the operator's log only.
func Because(r Reason, message string, cause error) *Error {
	return &Error{Reason: r, Message: message, cause: cause}
}

// Invalid refuses a request for one of its fields.
func Invalid(field, description string) *Error {
	return &Error{
		Reason:     InvalidRequest,
		Message:    "the request is malformed; see the field violations",
		Violations: []Violation{{Field: field, Description: description}},
	}
}

// With adds a metadata entry and returns the same error.
func (e *Error) With(key, value string) *Error {
	if e.Metadata == nil {
		e.Metadata = map[string]string{}
	}
	e.Metadata[key] = value
	return e
}

// Error has the cause too: it is for logs, not for callers.
func (e *Error) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %s", Name(e.Reason), e.Message)
	for _, v := range e.Violations {
		fmt.Fprintf(&s, " (%s: %s)", v.Field, v.Description)
	}
	if e.cause != nil {
		fmt.Fprintf(&s, ": %v", e.cause)
	}
	return s.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf finds the reason of an error; Internal for one that is no refusal.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return Internal
}
