package policy

import (
	"encoding/binary"
	"testing"
	"time"
)

func verdictOf(n int, until time.Time) Verdict {
	v := Verdict{limit: n, madeAt: time.UnixMilli(0), holdsUntil: until}
	binary.BigEndian.PutUint64(v.key[:], uint64(n))
	return v
}

func TestKeptVerdictsAreBoundedAndTheAskedForStay(t *testing.T) {
	k, until := newKept(), time.UnixMilli(1000)
	often := verdictOf(-1, until)
	k.keep(often)
	for n := range 3 * keptVerdicts {
		k.keep(verdictOf(n, until))
		if n%1000 == 0 {
			if _, ok := k.find(often.key, time.UnixMilli(1)); !ok {
				t.Fatalf("after %d others, what is asked for again and again was forgotten", n)
			}
		}
		if all := len(k.present) + len(k.before); all > keptVerdicts {
			t.Fatalf("%d are kept", all)
		}
	}
	if _, ok := k.find(verdictOf(0, until).key, time.UnixMilli(1)); ok {
		t.Error("the eldest was not forgotten")
	}
}

func TestVerdictIsNotUsedBeforeItWasMadeNorAfterItHolds(t *testing.T) {
	k := newKept()
	v := verdictOf(1, time.UnixMilli(1000))
	v.madeAt = time.UnixMilli(500)
	k.keep(v)
	for ms, want := range map[int64]bool{499: false, 500: true, 999: true, 1000: false} {
		if _, ok := k.find(v.key, time.UnixMilli(ms)); ok != want {
			t.Errorf("at %d ms: %t, want %t", ms, ok, want)
		}
	}
}
