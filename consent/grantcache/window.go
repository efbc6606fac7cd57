package grantcache

import (
	"sync"

	"sluice/consent"
	"sluice/mutant"
)

// windowSize is how many changes are remembered. A reading that takes longer
// than that many changes is not kept.
const windowSize = 1 << 16

// window is the newest changes heard of, in the order of hearing.
type window struct {
	mu     sync.RWMutex
	heard  int64 // how many, ever
	ring   []consent.Notice
	oldest int                  // in the ring, once it is full
	newest map[consent.ID]int64 // of each consent in the ring, the newest revision
	floor  map[int64]int64      // by shard: changes after this position are remembered
	deaf   bool                 // nothing is known of positions
}

func newWindow() *window {
	return &window{newest: map[consent.ID]int64{}, deaf: true}
}

// begin forgets all; what comes after these positions will be heard.
func (w *window) begin(from []consent.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Readings under way began before what was forgotten.
	w.heard += windowSize + 1
	w.ring, w.oldest, w.newest = nil, 0, map[consent.ID]int64{}
	w.floor, w.deaf = map[int64]int64{}, false
	for _, h := range from {
		w.floor[h.Shard] = h.Pos
	}
}

func (w *window) add(c consent.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ring) < windowSize {
		w.ring = append(w.ring, c)
	} else {
		slot := &w.ring[w.oldest]
		w.oldest = (w.oldest + 1) % windowSize
		if slot.At.Pos > w.floor[slot.At.Shard] && w.floor != nil {
			w.floor[slot.At.Shard] = slot.At.Pos
		}
		if w.newest[slot.ID] == slot.Revision {
			delete(w.newest, slot.ID)
		}
		*slot = c
	}
	w.heard++
	w.newest[c.ID] = max(w.newest[c.ID], c.Revision)
}

// now is a moment in the order of hearing.
func (w *window) now() int64 {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.heard
}

// since says whether the grant, whose reading began at began, is as new as
// everything heard of.
func (w *window) since(began int64, g consent.Grant) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.heard-began <= windowSize && w.newest[g.ID()] <= g.Revision()
}

// believes says whether a grant that another replica read at a position is as
// new as everything heard of, and nothing that came after it was forgotten.
func (w *window) believes(g consent.Grant, at consent.Position) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if mutant.Is(mutant.UncheckedEntry) {
		return true
	}
	return !w.deaf && at.Pos >= w.floor[at.Shard] && w.newest[g.ID()] <= g.Revision()
}
