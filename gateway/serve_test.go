package gateway_test

import (
	"testing"

	"sluice/refusal"
	"sluice/registry"
)

func TestWhoIsServedAtAll(t *testing.T) {
	for name, tt := range map[string]struct {
		standing registry.Standing
		access   registry.Access
		shows    bool
		want     refusal.Reason
	}{
		"by certificate":            {registry.Active, registry.ByCertificate, false, 0},
		"by certificate and token":  {registry.Active, registry.ByCertificate, true, 0},
		"by token":                  {registry.Active, registry.ByToken, true, 0},
		"by token, showing none":    {registry.Active, registry.ByToken, false, refusal.TokenInvalid},
		"suspended":                 {registry.Suspended, registry.ByCertificate, true, refusal.PartnerSuspended},
		"not registered (any more)": {registry.Unknown, registry.ByToken, false, refusal.PartnerSuspended},
	} {
		w := newWorld(t)
		w.access, w.standing["messenger"] = tt.access, tt.standing
		err := w.gate.Serve(t.Context(), "messenger", tt.shows)
		if (err == nil) != (tt.want == 0) || err != nil && refusal.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	w := newWorld(t)
	w.fail["partner"] = errPart
	if err := w.gate.Serve(t.Context(), "messenger", true); refusal.ReasonOf(err) != refusal.RecordUnavailable {
		t.Errorf("when nobody can say: %v, want RECORD_UNAVAILABLE", err)
	}
}
