package gateway

import (
	"context"
	"errors"
	"strconv"
	"time"

	"sluice/consent"
	"sluice/gateway/fields"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/policy"
	"sluice/refusal"
)

// explain says what a caller can do about a reason. It names nothing of the
// consent: the same words stand for all.
func explain(r refusal.Reason) string {
	switch r {
	case refusal.ConsentNotFound:
		return "there is no such consent for this partner"
	case refusal.ConsentPending:
		return "the customer has not agreed yet"
	case refusal.ConsentRejected:
		return "the customer refused; ask again only if the customer starts it"
	case refusal.ConsentPaused:
		return "the customer paused the consent; it may be resumed"
	case refusal.ConsentSuspended:
		return "the consent is suspended by the bank or the operator"
	case refusal.ConsentExpired:
		return "the consent has ended; ask the customer to renew it"
	case refusal.ConsentRevoked:
		return "the consent was revoked; ask the customer for a new one"
	case refusal.ConsentConsumed:
		return "the one-time consent was used; ask the customer for a new one"
	case refusal.ConsentSuperseded:
		return "the consent was replaced by a newer one; use that one"
	case refusal.AccountNotCovered:
		return "the consent covers no such account"
	case refusal.ClusterNotCovered:
		return "the consent does not cover this kind of data"
	case refusal.LookbackExceeded:
		return "the call reaches further back than the consent; ask for a later from_date"
	case refusal.PurposeNotPermitted:
		return "the purpose stated is not the consent's"
	case refusal.AccessLimitReached:
		return "no unattended access is left today; wait for the reset or until the customer is present"
	default:
		return explainFailure(r)
	}
}

// explainToken says it of a token that lets out less than the consent. Whether
// the consent has the account, it does not say.
func explainToken(r refusal.Reason) string {
	if r == refusal.AccountNotCovered {
		return "the access token does not cover this account; if the consent does, use one of the whole consent"
	}
	return "the access token does not cover this kind of data; if the consent does, use one of the whole consent"
}

// explainFailure is explain for what is wrong with parties, parts and calls.
func explainFailure(r refusal.Reason) string {
	switch r {
	case refusal.PartnerSuspended:
		return "the partner is suspended; talk to the operator"
	case refusal.BankSuspended:
		return "the bank is suspended; try again later"
	case refusal.BankUnavailable:
		return "the bank can't be reached, or did not answer in time; try again later"
	case refusal.BankAnswerInvalid:
		return "the bank's answer was unusable and nothing of it was released"
	case refusal.PolicyUnavailable:
		return "no decision could be made, so nothing was released; try again later"
	case refusal.RecordUnavailable:
		return "the record can't be reached, so nothing was released; try again later"
	case refusal.TokenInvalid:
		return "this partner calls with an access token of the consent; get one from the authorization server"
	case refusal.PageTokenInvalid:
		return "the page token is not valid for this call; start from the first page"
	default:
		return "the request was refused"
	}
}

func refuse(r refusal.Reason) *refusal.Error { return refusal.New(r, explain(r)) }

// unavailable refuses for a part that failed; a call out of time or left by its
// caller is refused for that.
func unavailable(ctx context.Context, r refusal.Reason, cause error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil:
		return refusal.Because(refusal.DeadlineExceeded, "the call ran out of time; nothing was released", cause)
	default:
		return refusal.Because(r, explain(r), cause)
	}
}

// denied refuses as the policy said, with what helps the partner to do better.
func denied(w walked, v policy.Verdict) error {
	if len(v.Reasons()) == 0 {
		return refuse(refusal.PolicyUnavailable)
	}
	reason := v.Reasons()[0]
	r := refuse(reason)
	switch reason {
	case refusal.AccountNotCovered, refusal.ClusterNotCovered:
		if w.narrowed() {
			r.Message = explainToken(reason)
		}
	case refusal.PurposeNotPermitted:
		if w.ask.Kind.Conversational() && w.ask.Purpose == w.grant.Purpose() {
			r.Message = "conversations need a consent for the purpose CUSTOMER_SERVICE"
		}
	case refusal.AccessLimitReached:
		if w.grant.UnattendedPerDay() == 0 {
			r.Message = "no unattended access was agreed; call while the customer is present"
			return r
		}
		r.With("remaining", strconv.Itoa(v.Remaining())).With("reset", v.ResetAt().Format(time.RFC3339))
	case refusal.LookbackExceeded:
		r.With("look_back_days", strconv.Itoa(w.grant.LookBackDays()))
	case refusal.InvalidRequest:
		// The door compared the two dates, so what is left is a period that has not
		// begun, or one that ends before the first day agreed to.
		if w.ask.From == consent.NoDay {
			return refusal.Invalid("to_date", "is before the first day that the consent covers")
		}
		return refusal.Invalid("from_date", "must not be in the future")
	default:
	}
	return r
}

// nothingAnswered refuses a call for which the bank had no permitted account.
func nothingAnswered(s fields.Shown) error {
	for _, f := range s.Failures() {
		if bankv1.AccountFailureCode(f.Code) != bankv1.AccountFailureCode_ACCOUNT_FAILURE_CODE_NOT_FOUND {
			return refuse(refusal.BankUnavailable)
		}
	}
	if len(s.Failures()) == 0 {
		return refuse(refusal.BankUnavailable)
	}
	return refuse(refusal.AccountNotCovered)
}

// tell notes a final refusal for the customer's eyes, if the consent kept
// something back by what was agreed. A consent that is not there, or another
// partner's, never comes this far, so a stranger leaves no trace in it; nor does
// an event that was kept back, for which no partner asked.
func (g *Gate) tell(err error) {
	var no staleError
	if errors.As(err, &no) && no.under != "" && keptBack(no.kept) {
		g.Refusals.Refused(no.under, no.kept, no.at)
	}
}

// kept is the reason for which the consent itself refuses what was refused. A
// partner may call with a token that lets out less than the customer gave: what
// only the token kept back, the customer did not.
func (g *Gate) kept(ctx context.Context, w walked, q policy.Question, reason refusal.Reason) refusal.Reason {
	if q.Ceiling == nil || reason != refusal.AccountNotCovered && reason != refusal.ClusterNotCovered {
		return reason
	}
	accounts, unnamed := g.Pairwise.names(w.grant).resolve(w.ask.Accounts)
	q.Accounts, q.Unnamed, q.Ceiling = accounts, len(unnamed), nil
	v, err := g.Policy.Decide(ctx, q)
	if err != nil || len(v.Reasons()) == 0 {
		var none refusal.Reason
		return none
	}
	return v.Reasons()[0]
}

// keptBack says whether a reason is the consent's, or the standing of its
// parties, and not a part that failed, a call that was malformed or a token.
func keptBack(r refusal.Reason) bool {
	switch r {
	case refusal.ConsentPending, refusal.ConsentRejected, refusal.ConsentPaused, refusal.ConsentSuspended,
		refusal.ConsentExpired, refusal.ConsentRevoked, refusal.ConsentConsumed, refusal.ConsentSuperseded,
		refusal.AccountNotCovered, refusal.ClusterNotCovered, refusal.LookbackExceeded, refusal.PurposeNotPermitted,
		refusal.AccessLimitReached, refusal.PartnerSuspended, refusal.BankSuspended:
		return true
	default:
		return false
	}
}
