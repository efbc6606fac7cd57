package interceptor

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"sluice/refusal"
)

// Status is what a caller sees of an error: reason, message, violations and
// metadata of a refusal, and nothing at all of anything else.
func Status(err error) *status.Status {
	var r *refusal.Error
	switch {
	case errors.As(err, &r):
	case errors.Is(err, context.DeadlineExceeded):
		r = refusal.New(refusal.DeadlineExceeded, "the call ran out of time")
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, "the caller went away")
	default:
		r = refusal.New(refusal.Internal, "something failed inside; nothing was released")
	}
	is := code(r.Reason)
	if errors.Is(err, errExceeds) {
		is = codes.ResourceExhausted
	}
	s := status.New(is, r.Message)
	with, err := s.WithDetails(details(r)...)
	if err != nil {
		return s
	}
	return with
}

func details(r *refusal.Error) []protoadapt.MessageV1 {
	out := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason:   refusal.Name(r.Reason),
		Domain:   refusal.Domain,
		Metadata: r.Metadata,
	}}
	if len(r.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range r.Violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: v.Field, Description: v.Description,
			})
		}
		out = append(out, bad)
	}
	return out
}

func code(r refusal.Reason) codes.Code {
	switch r {
	case refusal.InvalidRequest, refusal.PageTokenInvalid:
		return codes.InvalidArgument
	case refusal.CallerUnknown, refusal.TokenInvalid:
		return codes.Unauthenticated
	case refusal.ConsentNotFound, refusal.AccountNotCovered, refusal.PartyNotFound:
		return codes.NotFound
	case refusal.AccessLimitReached:
		return codes.ResourceExhausted
	case refusal.BankUnavailable, refusal.PolicyUnavailable, refusal.RecordUnavailable:
		return codes.Unavailable
	case refusal.GrantChanged, refusal.ConsentConflict:
		return codes.Aborted
	case refusal.ChangeNotPossible:
		return codes.FailedPrecondition
	case refusal.DeadlineExceeded:
		return codes.DeadlineExceeded
	case refusal.BankAnswerInvalid, refusal.Internal:
		return codes.Internal
	default:
		// All that is left says that somebody did not permit it.
		return codes.PermissionDenied
	}
}
