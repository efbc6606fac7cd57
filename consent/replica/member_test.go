package replica_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sluice/consent"
	"sluice/consent/replica"
)

var errAway = errors.New("database is away")

// registry answers as a test wants, and remembers.
type registry struct {
	pulse   replica.Pulse
	err     error
	took    time.Duration
	joins   int
	removed []string
	since   map[int64]int64
}

func (r *registry) Register(context.Context, string, string) (replica.Pulse, error) {
	r.joins++
	return r.pulse, nil
}

func (r *registry) Beat(_ context.Context, _ string, since map[int64]int64) (replica.Pulse, error) {
	time.Sleep(r.took)
	r.since = map[int64]int64{}
	for k, v := range since {
		r.since[k] = v
	}
	return r.pulse, r.err
}

func (r *registry) Remove(_ context.Context, boot string, _ int64) error {
	r.removed = append(r.removed, boot)
	return nil
}

// ear is a cache that only listens.
type ear struct {
	begun int
	heard []consent.Notice
	keep  []string
}

func (e *ear) Begin([]consent.Position)      { e.begun++ }
func (e *ear) Hear(changes []consent.Notice) { e.heard = append(e.heard, changes...) }
func (e *ear) Keep(addresses []string)       { e.keep = addresses }

func at(shard, pos int64) consent.Position { return consent.Position{Shard: shard, Pos: pos} }

// joined makes a member among others, in a bubble.
func joined(t *testing.T) (*replica.Member, *registry, *ear) {
	t.Helper()
	r, e, start := &registry{}, &ear{}, time.Now()
	r.pulse = replica.Pulse{
		Incarnation: "one", Heads: []consent.Position{at(1, 10), at(2, 5)}, From: []consent.Position{at(1, 8), at(2, 5)},
		Changes:  []consent.Notice{{At: at(1, 9), ID: "con_1", Revision: 2}, {At: at(1, 10), ID: "con_2", Revision: 2}},
		Replicas: []replica.Row{{Boot: "me", Address: "me:1", Heartbeat: 1}, {Boot: "other", Address: "other:1", Heartbeat: 7}},
	}
	m := replica.New(r, e, e, "me", "me:1", slog.New(slog.DiscardHandler), func() time.Duration { return time.Since(start) })
	if m.Fresh() {
		t.Error("it is fresh before it joined")
	}
	if err := m.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.pulse.Changes = nil
	return m, r, e
}

func TestALeaseCountsFromBeforeTheBeatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, r, _ := joined(t)
		r.took = replica.Lease / 2
		if err := m.Beat(t.Context()); err != nil || !m.Fresh() {
			t.Fatalf("Beat = %v, fresh %v", err, m.Fresh())
		}
		time.Sleep(replica.Lease/2 - 1)
		if !m.Fresh() {
			t.Error("the lease ended too soon")
		}
		time.Sleep(time.Nanosecond)
		if m.Fresh() {
			t.Error("the lease counts from the answer")
		}
	})
}

func TestABeatThatFailsGivesNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, r, _ := joined(t)
		r.err = errAway
		for range 10 {
			time.Sleep(replica.Beat)
			if err := m.Beat(t.Context()); !errors.Is(err, errAway) {
				t.Errorf("Beat = %v", err)
			}
		}
		if m.Fresh() {
			t.Error("it is fresh without a heartbeat")
		}
	})
}

func TestChangesAreHeardInOrderAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, r, e := joined(t)
		if len(e.heard) != 2 || e.begun != 1 || len(e.keep) != 1 || e.keep[0] != "other:1" {
			t.Fatalf("on joining: heard %v, begun %d, connected to %v", e.heard, e.begun, e.keep)
		}
		r.pulse.Changes = []consent.Notice{{At: at(2, 6), ID: "con_3", Revision: 4}}
		r.pulse.Heads = []consent.Position{at(1, 10), at(2, 6)}
		if err := m.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.since[1] != 10 || r.since[2] != 5 {
			t.Errorf("asked for changes after %v", r.since)
		}
		r.pulse.Changes = nil
		if err := m.Beat(t.Context()); err != nil || r.since[2] != 6 || len(e.heard) != 3 {
			t.Errorf("%v, asked for changes after %v, heard %v", err, r.since, e.heard)
		}
	})
}

func TestAMemberBeginsAnew(t *testing.T) {
	for name, change := range map[string]func(*registry){
		"when it was removed":                  func(r *registry) { r.err = replica.ErrRemoved },
		"when the database is another one":     func(r *registry) { r.pulse.Incarnation = "two" },
		"when the database lost changes":       func(r *registry) { r.pulse.Heads = []consent.Position{at(1, 9), at(2, 5)} },
		"when the database lost a shard":       func(r *registry) { r.pulse.Heads = []consent.Position{at(1, 10)} },
		"not when the database only grew":      func(r *registry) { r.pulse.Heads = []consent.Position{at(1, 10), at(2, 5), at(3, 1)} },
		"not when the database did not change": func(*registry) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, r, e := joined(t)
				change(r)
				if err := m.Beat(t.Context()); err != nil {
					t.Error(err)
				}
				want := 2
				if name[:3] == "not" {
					want = 1
				}
				if r.joins != want || e.begun != want {
					t.Errorf("joined %d times and began %d times, want %d", r.joins, e.begun, want)
				}
			})
		})
	}
}

func TestAReplicaIsTakenForDeadByItsCounterAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, r, _ := joined(t)
		for i := range 40 {
			r.pulse.Replicas[1].Heartbeat = 7 + int64(i/10) // slow, but alive
			if err := m.Beat(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(replica.Beat)
		}
		if len(r.removed) != 0 {
			t.Errorf("removed %v while it lived", r.removed)
		}
		for range 14 {
			if err := m.Beat(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(replica.Beat)
		}
		if len(r.removed) == 0 || r.removed[0] != "other" {
			t.Errorf("removed %v, want the other", r.removed)
		}
	})
}

func TestRunBeatsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, _ := joined(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*replica.Lease)
		defer cancel()
		go func() {
			time.Sleep(9 * replica.Lease)
			if !m.Fresh() {
				t.Error("the lease was not renewed")
			}
		}()
		m.Run(ctx)
	})
}
