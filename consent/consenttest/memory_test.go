package consenttest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/consenttest"
)

func TestMemoryKeepsThePromisesOfAStore(t *testing.T) {
	consenttest.RunStore(t, func(*testing.T) consent.Store { return consenttest.NewMemory() })
}

func TestMemoryRefusesACallThatIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := consenttest.NewMemory()
	_, get := m.Get(ctx, "con_a")
	_, changes := m.Changes(ctx, "con_a")
	_, list := m.List(ctx, consent.Query{Limit: 1})
	_, due := m.Due(ctx, time.Time{}, 1)
	for name, err := range map[string]error{
		"Create":  m.Create(ctx, consent.Consent{ID: "con_a"}, consent.Change{}),
		"Replace": m.Replace(ctx, consent.Consent{ID: "con_a"}, consent.Change{}),
		"Get":     get, "Changes": changes, "List": list, "Due": due,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
}
