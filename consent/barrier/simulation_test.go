package barrier_test

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var (
	schedules = flag.Int("schedules", 500, "how many schedules TestSimulation runs")
	firstSeed = flag.Uint64("seed", 1, "the seed of the first")
)

// TestSimulation runs the real book, barrier, gates, caches and members of three
// replicas over a database, a shared cache and a network that delay, lose and
// break things as the seed says, on a clock of their own. A schedule is
// repeated by its seed.
func TestSimulation(t *testing.T) {
	var total tally
	for i := range *schedules {
		seed := *firstSeed + uint64(i)
		var w *simulated
		synctest.Test(t, func(t *testing.T) {
			w = newSimulated(t, seed)
			w.run()
		})
		total.add(w.tally)
		if len(w.faults) > 0 {
			for _, f := range w.faults[:min(len(w.faults), 5)] {
				t.Error(f)
			}
			t.Fatalf("schedule %d failed; run it again with: go test ./consent/barrier -run TestSimulation -schedules 1 -seed %d", seed, seed)
		}
	}
	t.Logf("simulation: %d schedules, %s, 0 stale, 0 lost", *schedules, total)
	if *schedules >= 500 && (total.releases == 0 || total.withheld == 0 || total.changes == 0 || total.shared == 0 || total.waited == 0) {
		t.Errorf("the schedules are too tame: %s", total)
	}
}

// tally is what happened in a schedule.
type tally struct {
	releases, refused, withheld, changes, unknown, shared, waited int
}

func (t *tally) add(o tally) {
	t.releases += o.releases
	t.refused += o.refused
	t.withheld += o.withheld
	t.changes += o.changes
	t.unknown += o.unknown
	t.shared += o.shared
	t.waited += o.waited
}

func (t tally) String() string {
	return fmt.Sprintf("%d releases, %d refused by the fence, %d withheld, %d changes acknowledged, %d of unknown outcome, %d grants from the shared cache, %d changes that waited for a silent replica",
		t.releases, t.refused, t.withheld, t.changes, t.unknown, t.shared, t.waited)
}

// handedOver is one answer whose bytes began to leave.
type handedOver struct {
	id       int
	revision int64
	at       time.Time
}

// acknowledged is one change that somebody was told is final.
type acknowledged struct {
	id       int
	revision int64
	at       time.Time
}

// judge compares what left with what was acknowledged.
func (w *simulated) judge() {
	for _, a := range w.acknowledged {
		for _, h := range w.handedOver {
			if h.id == a.id && h.revision < a.revision && h.at.After(a.at) {
				w.fault("stale: an answer under revision %d of consent %d left at %s, after revision %d was acknowledged at %s",
					h.revision, h.id, w.since(h.at), a.revision, w.since(a.at))
			}
		}
		if newest := w.sql.newest(a.id); newest < a.revision {
			w.fault("lost: consent %d is at revision %d, after %d was acknowledged", a.id, newest, a.revision)
		}
	}
	for _, c := range w.sql.changes {
		for _, r := range w.sql.records {
			if r.id == c.id && r.revision < c.revision && r.at.After(c.at) {
				w.fault("stale: a release under revision %d of consent %d was recorded at %s, after revision %d was committed at %s",
					r.revision, r.id, w.since(r.at), c.revision, w.since(c.at))
			}
		}
	}
}

func (w *simulated) since(at time.Time) time.Duration { return at.Sub(w.start) }
