package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"testing"
	"time"
)

func TestTourComesOutAsItShould(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "tour").CombinedOutput()
	if err != nil {
		t.Fatalf("tour: %v\n%s", err, out)
	}
	for _, want := range []string{"CONSENT_NOT_FOUND", "LOOKBACK_EXCEEDED", "ACCOUNT_NOT_COVERED", "PURPOSE_NOT_PERMITTED", "CONSENT_PAUSED", "CONSENT_REVOKED", "CHANGE_NOT_POSSIBLE", "confirmed as tap-1"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the tour does not show %s", want)
		}
	}
}
