package barrier_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/consent"
	"sluice/consent/barrier"
)

// ticking is a clock that runs with the bubble's time.
func ticking() barrier.Clock {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

func TestAnAnswerMayLeaveOnlyWhileItIsYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := barrier.NewGates(ticking())
		began := g.Now()
		time.Sleep(barrier.HandOffLimit)
		s, err := g.Enter("con_1", 2, began)
		if err != nil {
			t.Fatalf("Enter at the limit: %v", err)
		}
		if s.Leave() {
			t.Error("it left at once and is called late")
		}
		time.Sleep(time.Millisecond)
		if _, err := g.Enter("con_1", 2, began); !errors.Is(err, barrier.ErrWithheld) {
			t.Errorf("Enter after the limit = %v, want ErrWithheld", err)
		}
	})
}

func TestAnAnswerThatLeavesAfterTheMarginIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := barrier.NewGates(ticking())
		s, err := g.Enter("con_1", 2, g.Now())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(barrier.Margin + 1)
		if !s.Leave() {
			t.Error("a process that froze in the hand-off is not called late")
		}
	})
}

func TestAChangeKeepsOlderAnswersInAndLetsNewerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := barrier.NewGates(ticking())
		began := g.Now()
		if err := g.Drain(t.Context(), "con_1", 3); err != nil {
			t.Fatal(err)
		}
		// As long as an answer may be on its way, the change is remembered.
		for range 5 {
			if _, err := g.Enter("con_1", 2, began); !errors.Is(err, barrier.ErrWithheld) {
				t.Errorf("Enter under revision 2 = %v, want ErrWithheld", err)
			}
			s, err := g.Enter("con_1", 3, began)
			if err != nil {
				t.Errorf("Enter under revision 3: %v", err)
			}
			s.Leave()
			s, err = g.Enter("con_2", 1, began)
			if err != nil {
				t.Errorf("Enter of another consent: %v", err)
			}
			s.Leave()
			time.Sleep(barrier.HandOffLimit / 5)
		}
	})
}

func TestDrainWaitsForOlderHandOffsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := barrier.NewGates(ticking())
		older, err := g.Enter("con_1", 2, g.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = g.Enter("con_1", 3, g.Now()); err != nil {
			t.Fatal(err)
		}
		drained := make(chan error)
		go func() { drained <- g.Drain(t.Context(), "con_1", 3) }()
		synctest.Wait()
		select {
		case <-drained:
			t.Fatal("drained while an answer under revision 2 leaves")
		default:
		}
		older.Leave()
		if err := <-drained; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Drain(ctx, "con_1", 4); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v while revision 3 leaves, want DeadlineExceeded", err)
		}
	})
}

// town is the other replicas as a test wants them.
type town struct {
	replicas []barrier.Replica
	err      error
	answer   map[string]time.Duration // how long each takes; never if not there
	told     chan string
}

func (w *town) Others(context.Context, consent.ID) ([]barrier.Replica, error) {
	return w.replicas, w.err
}

func (w *town) Fence(ctx context.Context, to barrier.Replica, _ consent.ID, _ int64) error {
	w.told <- to.Boot
	after, ok := w.answer[to.Boot]
	if !ok {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(after)
	if after == 0 {
		return errors.New("connection refused")
	}
	return nil
}

func TestAwaitWaitsForThoseWhoMayHoldAnAnswer(t *testing.T) {
	recent, idle := barrier.Replica{Boot: "recent", Recent: true}, barrier.Replica{Boot: "idle"}
	for _, tt := range []struct {
		name string
		town town
		want time.Duration
	}{
		{"alone", town{}, 0},
		{"one that released a moment ago answers", town{replicas: []barrier.Replica{recent, idle}, answer: map[string]time.Duration{"recent": 3 * time.Millisecond, "idle": 90 * time.Millisecond}}, 3 * time.Millisecond},
		{"one that released nothing is silent", town{replicas: []barrier.Replica{idle}}, 0},
		{"one that released a moment ago is silent", town{replicas: []barrier.Replica{recent}}, barrier.Margin},
		{"one that released a moment ago is gone", town{replicas: []barrier.Replica{recent}, answer: map[string]time.Duration{"recent": 0}}, barrier.Margin},
		{"who is there can't be known", town{err: errors.New("database is away")}, barrier.Margin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.town.told = make(chan string, 10)
				var forgotten int64
				b := barrier.New(barrier.NewGates(ticking()), func(_ consent.ID, r int64) { forgotten = r }, &tt.town, &tt.town)
				start := time.Now()
				if err := b.Await(t.Context(), "con_1", 3); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != tt.want {
					t.Errorf("it took %v, want %v", took, tt.want)
				}
				b.Close()
				if forgotten != 3 || len(tt.town.told) != len(tt.town.replicas) {
					t.Errorf("forgot up to revision %d and told %d of %d replicas", forgotten, len(tt.town.told), len(tt.town.replicas))
				}
			})
		})
	}
}

func TestAwaitFailsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{replicas: []barrier.Replica{{Boot: "silent", Recent: true}}, told: make(chan string, 1)}
		b := barrier.New(barrier.NewGates(ticking()), func(consent.ID, int64) {}, w, w)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := b.Await(ctx, "con_1", 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Await = %v, want DeadlineExceeded: the caller must not be told that it is final", err)
		}
		if err := b.Elapse(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Elapse = %v, want DeadlineExceeded", err)
		}
		b.Close()
	})
}

func TestElapseOutlivesEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := barrier.NewGates(ticking())
		began := g.Now()
		if err := barrier.New(g, nil, nil, nil).Elapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Enter("con_1", 1, began); !errors.Is(err, barrier.ErrWithheld) {
			t.Errorf("Enter = %v, want ErrWithheld", err)
		}
	})
}
