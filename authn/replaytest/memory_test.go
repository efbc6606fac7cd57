package replaytest_test

import (
	"testing"
	"time"

	"sluice/authn/replaytest"
)

func TestMemoryPassesTheSuite(t *testing.T) {
	replaytest.RunStore(t, time.Now(), func(*testing.T) (one, other replaytest.Store) {
		m := &replaytest.Memory{}
		return m, m
	})
}
