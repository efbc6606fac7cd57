package feedtest

import (
	"sync/atomic"
	"testing"
	"time"
)

// RunStore runs the suite that every feed.Store must pass. open makes a rig over
// an empty store whose clock is the one given; tests share it.
func RunStore(t *testing.T, open func(t *testing.T, now func() time.Time) Rig) {
	clock, worlds := &clock{}, &atomic.Int64{}
	rig := open(t, clock.now)
	rig.clock = clock
	for _, test := range []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"a batch sent again changes nothing", sentAgain},
		{"what comes after a gap waits outside", gaps},
		{"what is early is asked for again", early},
		{"a sequence that can't be is rejected and forgotten", absurd},
		{"one bad event does not spoil the others", badEvents},
		{"ids of transactions are used once and POSTED is final", identities},
		{"many publish one account at once", racing},
		{"many publish, take and change consents at once", together},
		{"only live consents that cover an event are told of it", covered},
		{"what is said under one consent reaches no other", oneConsent},
		{"each partner knows an event by an id of its own", ownIDs},
		{"a content is as it was published, and erased with the last who needs it", erased},
		{"one delivery of a consent and account is out at a time", oneAtATime},
		{"what is given out fits into the room there is, and one always does", fitting},
		{"a delivery that is not acknowledged comes again and says so", again},
		{"consumers share the shards", shared},
		{"a consumer that falls silent loses all it has out", silent},
		{"a consumer that waits gets its part", sharedLater},
		{"what a dead consumer had out goes to another", takenOver},
		{"what a consumer has out when it leaves goes to another at once", leaving},
		{"what a consumer has out in shards it let go goes to another when it leaves", leavingLater},
		{"a delivery with an error rests longer and longer and is put aside", errors},
		{"what is dropped is gone and counted", dropped},
		{"what a partner has not taken is counted", backlog},
		{"old events are forgotten", swept},
		{"what is shared no more is erased, though its partner never asks", withdrawn},
		{"a content that can't be opened stops nobody", unreadable},
		{"changes of consents are told in order", changes},
		{"an account that leaves a consent is told of", accountLeft},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWorld(t, rig, worlds)) })
	}
	t.Run("whatever is sent and taken in whatever order, the feed is the bank's", func(t *testing.T) {
		model(t, rig, worlds)
	})
	t.Run("whatever is said, it comes in order to the consent that it names, and to no other", func(t *testing.T) {
		talks(t, rig, worlds)
	})
}
