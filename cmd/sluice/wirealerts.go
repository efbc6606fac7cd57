package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/alert"
	"sluice/alert/alertdb"
	"sluice/gateway"
	"sluice/seal"
)

const (
	// carryEvery is how often answers to alerts are looked for that a bank has yet
	// to take, besides those the desk knows of.
	carryEvery = time.Second
	// roundsAtOnce is how many rounds may be under way: a bank that takes its time
	// holds up no other's answers.
	roundsAtOnce = 4
)

// openDesk opens the desk for answers to alerts.
func (h *house) openDesk(keys secrets, gate *gateway.Gate) error {
	sealer, err := seal.NewSealer(keys.derive("alert answers"))
	if err != nil {
		return fmt.Errorf("alert answers: %w", err)
	}
	h.desk = alert.New(alert.Config{Gate: gate, Store: alertdb.New(h.truth.db), Banks: h.banks, Sealer: sealer, Now: now})
	return nil
}

// carry tells banks what customers answered and they have yet to take, until ctx
// is done.
func (h *house) carry(ctx context.Context) {
	tick := time.NewTicker(carryEvery)
	defer tick.Stop()
	var rounds errgroup.Group
	rounds.SetLimit(roundsAtOnce)
	for {
		rounds.TryGo(func() error {
			if _, err := h.desk.Carry(ctx); err != nil && ctx.Err() == nil {
				h.logger.WarnContext(ctx, "carry answers to alerts", "error", err)
			}
			return nil
		})
		select {
		case <-ctx.Done():
			_ = rounds.Wait() // none fails
			return
		case <-h.desk.Due():
		case <-tick.C:
		}
	}
}
