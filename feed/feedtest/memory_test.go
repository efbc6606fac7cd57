package feedtest_test

import (
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed/feedtest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	feedtest.RunStore(t, func(_ *testing.T, now func() time.Time) feedtest.Rig {
		m := feedtest.NewMemory(now)
		return feedtest.Rig{
			Store:    m,
			Models:   100,
			Keep:     func(_ testing.TB, c consent.Consent, ch consent.Change) { m.Keep(c, ch) },
			Payloads: func(_ testing.TB, bank consent.BankID) int { return m.Payloads(bank) },
		}
	})
}
