package barrier_test

import (
	"fmt"
	"testing"
)

// The protocol in small, with every order of its steps: one answer on its way
// through a replica, one revoke and the same revoke asked for again at another
// time. A process may stop between any two steps for any number of ticks, but
// for the one between its look at the gate and the hand-off: see doc.go.

const (
	modelLimit  = 2 // ticks in which an answer may begin to leave
	modelMargin = 3 // ticks after which a revoke waits no longer
	modelTime   = 9
)

// answering is where the answer is.
type answering uint8

const (
	notAsked answering = iota
	recording
	recorded
	entered
	leaving
	over
)

// revoking is where a caller's revoke is.
type revoking uint8

const (
	notRevoked revoking = iota
	looked              // at the replicas, too early
	inForce
	listed
	acked
)

// notice is where a caller's notice to the replica is.
type notice uint8

const (
	unsent notice = iota
	sent
	heard
	answered
	lost
)

// caller is one who revokes.
type caller struct {
	step     revoking
	began    uint8 // when its waiting began, after the commit
	waits    bool  // for the replica
	notice   notice
	retrying bool
}

// modelState is everything at one instant. It is compared by value.
type modelState struct {
	now        uint8
	revoked    bool // committed
	answer     answering
	began      uint8 // when its recording began
	onRecord   bool
	tombstone  bool
	registered bool
	callers    [2]caller
	stale      bool // bytes began to leave after somebody was told that none can
}

// modelFaults are mistakes in the protocol.
type modelFaults struct {
	noAgeLimit, noTombstone, ackBeforeDrain, noWait, onlyRegistered, retryReturns, noFence, listFirst bool
}

// next are all states that one step leads to.
func (s modelState) next(f modelFaults) []modelState {
	var out []modelState
	do := func(change func(*modelState)) {
		n := s
		change(&n)
		out = append(out, n)
	}
	if s.now < modelTime && s.answer != entered {
		do(func(n *modelState) { n.now++ })
	}
	if s.registered { // taken for dead, wrongly
		do(func(n *modelState) { n.registered = false })
	}
	switch s.answer {
	case notAsked:
		do(func(n *modelState) { n.answer, n.began = recording, n.now })
	case recording:
		do(func(n *modelState) {
			if n.answer = over; !n.revoked || f.noFence {
				n.answer, n.onRecord = recorded, true
			}
		})
	case recorded:
		do(func(n *modelState) {
			n.answer = entered
			if n.now-n.began > modelLimit && !f.noAgeLimit || n.tombstone && !f.noTombstone {
				n.answer = over // withheld
			}
		})
	case entered:
		do(func(n *modelState) {
			n.answer = leaving
			n.stale = n.callers[0].step == acked || n.callers[1].step == acked
		})
	case leaving:
		do(func(n *modelState) { n.answer = over })
	case over:
	}
	for i := range s.callers {
		s.revoke(i, f, do)
	}
	return out
}

// revoke is one caller's next step.
func (s modelState) revoke(i int, f modelFaults, do func(func(*modelState))) {
	c := s.callers[i]
	change := func(g func(n *modelState, c *caller)) { do(func(n *modelState) { g(n, &n.callers[i]) }) }
	list := func(n *modelState, c *caller) {
		c.waits = n.onRecord && !f.noWait && (n.registered || !f.onlyRegistered)
		if n.registered {
			c.notice = sent
		}
	}
	switch c.step {
	case notRevoked:
		if i == 1 && !s.revoked {
			return // asks for what somebody else is doing
		}
		change(func(n *modelState, c *caller) {
			if f.listFirst {
				list(n, c)
				c.step = looked
				return
			}
			c.retrying = n.revoked
			n.revoked, c.step, c.began = true, inForce, n.now
		})
	case looked:
		change(func(n *modelState, c *caller) { n.revoked, c.step, c.began = true, inForce, n.now })
	case inForce:
		if c.retrying && f.retryReturns {
			change(func(_ *modelState, c *caller) { c.step = acked })
			return
		}
		change(func(n *modelState, c *caller) {
			if c.step = listed; !f.listFirst {
				list(n, c)
			}
		})
	case listed:
		if !c.waits || c.notice == answered || s.now-c.began >= modelMargin {
			change(func(_ *modelState, c *caller) { c.step = acked })
		}
	case acked:
	}
	switch c.notice {
	case sent:
		change(func(n *modelState, c *caller) { c.notice, n.tombstone = heard, true })
		change(func(_ *modelState, c *caller) { c.notice = lost })
	case heard:
		if s.answer != entered && s.answer != leaving || f.ackBeforeDrain {
			change(func(_ *modelState, c *caller) { c.notice = answered })
		}
		change(func(_ *modelState, c *caller) { c.notice = lost })
	default:
	}
}

// explore visits every state until one is stale, and says how many it saw.
func explore(f modelFaults) (states int, stale string) {
	first := modelState{registered: true}
	seen, todo := map[modelState]bool{first: true}, []modelState{first}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.stale {
			return len(seen), fmt.Sprintf("%+v", s)
		}
		for _, n := range s.next(f) {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return len(seen), stale
}

func TestNoOrderOfStepsLetsAnAnswerOutAfterARevokeWasAcknowledged(t *testing.T) {
	states, stale := explore(modelFaults{})
	t.Logf("%d states", states)
	if stale != "" {
		t.Errorf("an old answer leaves after the revoke was acknowledged: %s", stale)
	}
	if states < 10_000 {
		t.Errorf("only %d states: the model does nothing", states)
	}
}

func TestTheModelSeesEachMistake(t *testing.T) {
	for name, f := range map[string]modelFaults{
		"answers have no age limit":               {noAgeLimit: true},
		"a hand-off ignores tombstones":           {noTombstone: true},
		"a replica answers before it drained":     {ackBeforeDrain: true},
		"nobody is waited for":                    {noWait: true},
		"only registered replicas are waited for": {onlyRegistered: true},
		"a retry returns at once":                 {retryReturns: true},
		"releases are not fenced":                 {noFence: true},
		"replicas are listed before the commit":   {listFirst: true},
	} {
		if _, stale := explore(f); stale == "" {
			t.Errorf("%s, and nothing is stale", name)
		}
	}
}
