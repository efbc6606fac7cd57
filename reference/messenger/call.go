package messenger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/messenger/link"
)

// callFor is for how long a customer waits for one answer.
const callFor = 20 * time.Second

// errNotLive means that a consent does not hold, so nothing is asked for under it.
var errNotLive = errors.New("the consent does not hold")

// call asks the gateway for something under a consent, for a customer who waits for
// it. What a refusal says of the consent is gone by before it returns. All calls may
// be made again: those that tell the bank something have a name of their own.
func call[T any](ctx context.Context, m *Messenger, s *sharing, do func(context.Context, *partnerv1.Access) (T, error)) (T, error) {
	var none T
	ctx, done := context.WithTimeout(ctx, callFor)
	defer done()
	access := &partnerv1.Access{
		ConsentId: s.consent, Purpose: s.wish.purpose(), Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
	for first := true; ; first = false {
		token, err := s.access.Token(ctx)
		if errors.Is(err, link.ErrOver) {
			return none, m.lost(ctx, s)
		} else if err != nil {
			return none, fmt.Errorf("get a token: %w", err)
		}
		got, err := do(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), access)
		if err == nil {
			return got, nil
		}
		reason := reasonOf(err)
		switch {
		case first && reason == "TOKEN_INVALID":
			s.access.Stale()
		case first && reason == "" && status.Code(err) == codes.Unavailable:
		default:
			m.heard(ctx, s, reason)
			return none, err
		}
	}
}

// own calls the gateway for ourselves: about consents, and for events.
func own[T any](ctx context.Context, m *Messenger, do func(context.Context) (T, error)) (T, error) {
	var none T
	for first := true; ; first = false {
		token, err := m.ours.Token(ctx)
		if err != nil {
			return none, fmt.Errorf("get a token: %w", err)
		}
		got, err := do(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token))
		if !first || reasonOf(err) != "TOKEN_INVALID" {
			return got, err
		}
		m.ours.Stale()
	}
}

// read asks the gateway for a consent as it is now.
func (m *Messenger) read(ctx context.Context, consent string) (*consentv1.Consent, error) {
	ctx, done := context.WithTimeout(ctx, callFor)
	defer done()
	got, err := own(ctx, m, func(ctx context.Context) (*partnerv1.GetConsentResponse, error) {
		return m.consents.GetConsent(ctx, &partnerv1.GetConsentRequest{ConsentId: consent})
	})
	return got.GetConsent(), err
}

// giveUp ends a consent.
func (m *Messenger) giveUp(ctx context.Context, consent string) error {
	ctx, done := context.WithTimeout(ctx, callFor)
	defer done()
	_, err := own(ctx, m, func(ctx context.Context) (*partnerv1.RevokeConsentResponse, error) {
		return m.consents.RevokeConsent(ctx, &partnerv1.RevokeConsentRequest{ConsentId: consent})
	})
	return err
}

// heard goes by what a refusal says of a consent.
func (m *Messenger) heard(ctx context.Context, s *sharing, reason string) {
	if to, why, of := standingBy(reason); of {
		m.settle(s, to, why)
		return
	}
	switch reason {
	case "ACCOUNT_NOT_COVERED", "CLUSTER_NOT_COVERED", "LOOKBACK_EXCEEDED":
		// It has become smaller than we knew.
		if err := m.refresh(ctx, s); err != nil {
			m.holding.Close(s.consent)
		}
	}
}

// lost is for tokens that are none any more. The consent says why; if it holds all
// the same we have no use for it, and it ends.
func (m *Messenger) lost(ctx context.Context, s *sharing) error {
	if err := m.refresh(ctx, s); err != nil {
		return err
	}
	if m.standing(s) == live {
		if err := m.giveUp(ctx, s.consent); err != nil {
			m.config.Log.WarnContext(ctx, "a consent without tokens could not be given up", "error", err)
		}
		m.settle(s, over, "over.lost")
	}
	return errNotLive
}

func (m *Messenger) standing(s *sharing) standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.standing
}

// reasonOf is the gateway's reason for a refusal, "" if it gave none.
func reasonOf(err error) string {
	said, ok := status.FromError(err)
	if !ok {
		return ""
	}
	for _, d := range said.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == "sluice" {
			return info.GetReason()
		}
	}
	return ""
}

// standingBy is what a refusal says of its consent, if it says anything.
func standingBy(reason string) (standing, string, bool) {
	switch reason {
	case "CONSENT_PENDING":
		return waiting, "rest.pending", true
	case "CONSENT_PAUSED":
		return resting, whyPaused, true
	case "CONSENT_SUSPENDED":
		return resting, "rest.suspended", true
	case "CONSENT_EXPIRED":
		return over, "over.time", true
	case "CONSENT_REVOKED":
		return over, "over.revoked", true
	case "CONSENT_SUPERSEDED":
		return over, "over.replaced", true
	case "CONSENT_REJECTED", "CONSENT_CONSUMED", "CONSENT_NOT_FOUND":
		return over, "over.other", true
	}
	return "", "", false
}

func restBy(status consentv1.ConsentStatus) string {
	switch standingOf(status) {
	case waiting:
		return "rest.pending"
	default:
		if status == consentv1.ConsentStatus_CONSENT_STATUS_PAUSED {
			return whyPaused
		}
		return "rest.suspended"
	}
}

func overBy(status consentv1.ConsentStatus, reason consentv1.ChangeReason) string {
	switch reason {
	case consentv1.ChangeReason_CHANGE_REASON_BANK_TERMINATED:
		return "over.bank"
	case consentv1.ChangeReason_CHANGE_REASON_PARTNER_REVOKED:
		return "over.here"
	default:
	}
	switch status {
	case consentv1.ConsentStatus_CONSENT_STATUS_EXPIRED:
		return "over.time"
	case consentv1.ConsentStatus_CONSENT_STATUS_REVOKED, consentv1.ConsentStatus_CONSENT_STATUS_REVOKING:
		return "over.revoked"
	case consentv1.ConsentStatus_CONSENT_STATUS_SUPERSEDED:
		return "over.replaced"
	default:
		return "over.other"
	}
}
