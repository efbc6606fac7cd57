package policy

import (
	"sync"
	"time"
)

// keptVerdicts bounds the verdicts that are kept, about 1 KiB each.
const keptVerdicts = 50_000

// kept holds verdicts by their key. A key covers the whole question but its
// clock, and the grant by its digest: a changed grant is another question, so
// nothing here ever needs to be told of a change. It may be used by many
// goroutines.
type kept struct {
	mu      sync.Mutex
	present map[[32]byte]Verdict
	before  map[[32]byte]Verdict // the generation that goes next
}

func newKept() *kept { return &kept{present: map[[32]byte]Verdict{}} }

// find finds the verdict of a question asked at an instant, if one is kept that
// still holds and was not made later than that.
func (k *kept) find(key [32]byte, at time.Time) (Verdict, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.present[key]
	if !ok {
		if v, ok = k.before[key]; ok {
			k.put(v)
		}
	}
	if !ok || at.Before(v.madeAt) || !at.Before(v.holdsUntil) {
		return Verdict{}, false
	}
	return v, true
}

func (k *kept) keep(v Verdict) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put(v)
}

// put forgets the elder half when there are too many: what is asked for again
// and again moves on to the younger.
func (k *kept) put(v Verdict) {
	if len(k.present) >= keptVerdicts/2 {
		k.before, k.present = k.present, make(map[[32]byte]Verdict, keptVerdicts/2)
	}
	k.present[v.key] = v
}
