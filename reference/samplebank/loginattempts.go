package samplebank

import (
	"sync"
	"time"
)

const (
	maxFailures  = 10 // for one customer id, until quiet has passed since the last
	maxTries     = 5  // in one login
	quiet        = 5 * time.Minute
	maxCustomers = 10_000
)

// attempts counts wrong tries by customer id, whether there is such a customer or not.
type attempts struct {
	now func() time.Time

	mu     sync.Mutex
	failed map[string]tries
}

type tries struct {
	n    int
	last time.Time
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, failed: map[string]tries{}}
}

// take uses up a try, before it is looked at, so that tries at the same time count
// each; false if none is left.
func (a *attempts) take(customer string) bool {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.failed[customer]
	if now.Sub(t.last) >= quiet {
		t.n = 0
	}
	if t.n >= maxFailures {
		return false
	}
	if len(a.failed) >= maxCustomers {
		a.sweep(now)
	}
	if len(a.failed) >= maxCustomers && t.n == 0 {
		return false
	}
	a.failed[customer] = tries{n: t.n + 1, last: now}
	return true
}

// right gives the tries of somebody who succeeded back.
func (a *attempts) right(customer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failed, customer)
}

func (a *attempts) sweep(now time.Time) {
	for c, t := range a.failed {
		if now.Sub(t.last) >= quiet {
			delete(a.failed, c)
		}
	}
}
