package refusal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	refusalv1 "sluice/gen/sluice/refusal/v1"
	"sluice/refusal"
)

func TestNamesAndReasonsAreTheSameList(t *testing.T) {
	for n := range refusalv1.Reason_name {
		r := refusal.Reason(n)
		got, ok := refusal.Parse(refusal.Name(r))
		if wantOK := n != 0; ok != wantOK || (ok && got != r) {
			t.Errorf("Parse(Name(%v)) = %v, %t", r, got, ok)
		}
		if strings.HasPrefix(refusal.Name(r), "REASON_") {
			t.Errorf("name %s has the prefix", refusal.Name(r))
		}
	}
	if _, ok := refusal.Parse("MADE_UP"); ok {
		t.Error("a reason that is not in the list was parsed")
	}
}

func TestReasonIsFoundUnderWrapping(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("doing: %w", refusal.Because(refusal.ConsentRevoked, "m", cause))
	if refusal.ReasonOf(err) != refusal.ConsentRevoked {
		t.Errorf("ReasonOf = %v", refusal.ReasonOf(err))
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if refusal.ReasonOf(cause) != refusal.Internal {
		t.Error("an error that is no refusal has another reason than INTERNAL")
	}
	text := refusal.Invalid("from_date", "is no date").Error()
	if !strings.Contains(text, "from_date") || !strings.Contains(text, "INVALID_REQUEST") {
		t.Errorf("the log's line says too little: %s", text)
	}
}
