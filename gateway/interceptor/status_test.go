package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"sluice/gateway/interceptor"
	refusalv1 "sluice/gen/sluice/refusal/v1"
	"sluice/refusal"
)

func TestStatusTellsTheReasonAndNeverTheCause(t *testing.T) {
	for n := range refusalv1.Reason_name {
		reason := refusal.Reason(n)
		if n == 0 {
			continue
		}
		t.Run(refusal.Name(reason), func(t *testing.T) {
			err := refusal.Because(reason, "do this", errors.New("account CZ65 of customer 9593")).With("k", "v")
			s := interceptor.Status(fmt.Errorf("somewhere deep: %w", err))
			if s.Code() == codes.OK || s.Code() == codes.Unknown {
				t.Errorf("code = %v", s.Code())
			}
			if text := fmt.Sprint(s.Proto()); strings.Contains(text, "CZ65") || strings.Contains(text, "deep") {
				t.Errorf("the status leaks its cause: %s", text)
			}
			info, ok := s.Details()[0].(*errdetails.ErrorInfo)
			if !ok || info.GetReason() != refusal.Name(reason) || info.GetDomain() != "sluice" || info.GetMetadata()["k"] != "v" {
				t.Errorf("details = %v", s.Details())
			}
		})
	}
}

func TestStatusOfOtherErrorsSaysNothingOfThem(t *testing.T) {
	for err, want := range map[error]codes.Code{
		errors.New("secret"): codes.Internal,
		fmt.Errorf("secret: %w", context.DeadlineExceeded): codes.DeadlineExceeded,
		fmt.Errorf("secret: %w", context.Canceled):         codes.Canceled,
	} {
		s := interceptor.Status(err)
		if s.Code() != want || strings.Contains(fmt.Sprint(s.Proto()), "secret") {
			t.Errorf("status of %v = %v, want %v and nothing of the error", err, s.Proto(), want)
		}
	}
}

func TestViolationsReachTheCaller(t *testing.T) {
	s := interceptor.Status(refusal.Invalid("from_date", "is no date"))
	bad, ok := s.Details()[1].(*errdetails.BadRequest)
	if !ok || bad.GetFieldViolations()[0].GetField() != "from_date" || bad.GetFieldViolations()[0].GetDescription() != "is no date" {
		t.Errorf("details = %v", s.Details())
	}
	if s.Code() != codes.InvalidArgument {
		t.Errorf("code = %v", s.Code())
	}
}
