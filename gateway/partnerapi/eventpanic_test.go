package partnerapi_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/disclosure"
	"sluice/gateway/codec"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// listening lets a test hear what is logged.
func (w *eventWorld) listening(h slog.Handler) slog.Handler { return listening{h, w} }

type listening struct {
	slog.Handler
	w *eventWorld
}

func (l listening) Handle(ctx context.Context, r slog.Record) error {
	if l.w.onLog != nil {
		l.w.onLog(r)
	}
	return l.Handler.Handle(ctx, r)
}

// A handler that fails keeps no change of a consent waiting for what it took
// through the gate.
func TestAfterAPanicNoHandOffStaysOpen(t *testing.T) {
	subscribed := func(w *eventWorld) error { return w.follow("messenger", 100).end() }
	pulled := func(w *eventWorld) error {
		_, err := w.as("messenger").PullEvents(t.Context(), &partnerv1.PullEventsRequest{})
		return err
	}
	for name, tt := range map[string]struct {
		fail func(w *eventWorld, failing consent.ID)
		call func(w *eventWorld) error
	}{
		"while it sends": {func(w *eventWorld, _ consent.ID) {
			w.onSend = func(m any) {
				if raw, ok := m.(codec.Raw); ok && len(raw.Encoded()) > 0 {
					panic("sending")
				}
			}
		}, subscribed},
		"in a stream, with others in hand": {failInHand, subscribed},
		"in a pull, with others in hand":   {failInHand, pulled},
	} {
		t.Run(name, func(t *testing.T) {
			w := newEventWorld(t)
			failing := w.give("messenger", "B1")
			id := w.give("messenger", "A1")
			w.publish(1, "A1", "B1")
			tt.fail(w, failing)
			if err := tt.call(w); refusedFor(err) != "INTERNAL" {
				t.Fatalf("call = %v, want it to have failed", err)
			}
			if w.recorded() == 0 {
				t.Fatal("nothing was released")
			}
			began := time.Now()
			w.revoke(id)
			if took := time.Since(began); took > barrier.Margin/2 {
				t.Errorf("a revoke waited %s for what will never leave", took)
			}
		})
	}
}

// failInHand makes one event wait, and the handler panic on saying so, once the
// others were released.
func failInHand(w *eventWorld, failing consent.ID) {
	released := make(chan struct{})
	w.onRecord = func(e disclosure.Entry) {
		if e.Grant.ID() != failing {
			close(released)
		}
	}
	w.failing = func(id consent.ID) bool {
		if id != failing {
			return false
		}
		<-released
		return true
	}
	w.onLog = func(slog.Record) { panic("logging") }
}
