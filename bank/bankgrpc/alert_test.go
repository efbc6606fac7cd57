package bankgrpc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice/bank"
	datav1 "sluice/gen/sluice/data/v1"
)

func TestAnAnswerReachesTheBankWhole(t *testing.T) {
	b, source := reach(t, "morava", 5*time.Second)
	want := bank.AlertAnswer{
		ID: "ans_1", Customer: "9593", Account: "C1005", Alert: "W1",
		Choice: datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD, Partner: "messenger", Confirmation: "tap 7",
	}
	for range 2 {
		if got, err := source.AnswerAlert(t.Context(), want); err != nil || got != datav1.AlertStatus_ALERT_STATUS_ANSWERED {
			t.Fatalf("AnswerAlert = %v, %v", got, err)
		}
	}
	if diff := cmp.Diff([]bank.AlertAnswer{want, want}, b.Told()); diff != "" || b.Taken() != 1 {
		t.Errorf("taken %d times; the bank heard (-want +got):\n%s", b.Taken(), diff)
	}
}

// Only the bank's own word about the answer ends the telling.
func TestOnlyWhatTheBankSaysOfTheAnswerIsTheLastWord(t *testing.T) {
	b, source := reach(t, "morava", 5*time.Second)
	for code, last := range map[codes.Code]bool{
		codes.InvalidArgument: true, codes.NotFound: true, codes.AlreadyExists: true, codes.FailedPrecondition: true,
		codes.Unavailable: false, codes.Internal: false, codes.Unknown: false, codes.DeadlineExceeded: false,
		codes.PermissionDenied: false, codes.Unimplemented: false, codes.ResourceExhausted: false, codes.Aborted: false,
	} {
		b.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, status.Error(code, "customer 9593 owes") })
		_, err := source.AnswerAlert(t.Context(), bank.AlertAnswer{ID: "ans_" + code.String()})
		if errors.Is(err, bank.ErrNotTaken) != last || errors.Is(err, bank.ErrUnavailable) == last {
			t.Errorf("%s = %v, last word: %t", code, err, last)
		}
		if err == nil || strings.Contains(err.Error(), "9593") {
			t.Errorf("%s = %v; a bank's words went further", code, err)
		}
	}
}
