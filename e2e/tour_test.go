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
	for _, want := range []string{
		"CONSENT_NOT_FOUND", "LOOKBACK_EXCEEDED", "ACCOUNT_NOT_COVERED", "PURPOSE_NOT_PERMITTED", "CONSENT_PAUSED", "CONSENT_REVOKED", "CHANGE_NOT_POSSIBLE", "confirmed as tap-1",
		// The day in the chat.
		"Current account ****7753", "I do not know the answer to that", "My card •••• •••• •••• 1111 was refused",
		"Pay the shop from CZ•• •••• •••• •••• •••• 5399", "WAS_ME, by chat", "This conversation is closed", "by the end of the consent",
		"What this chat holds: Nothing.",
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the tour does not show %s", want)
		}
	}
	for _, no := range []string{"4111 1111 1111 1111", "0800 0000 1920"} {
		if bytes.Contains(out, []byte(no)) {
			t.Errorf("the tour shows %s, which should have been masked", no)
		}
	}
}
