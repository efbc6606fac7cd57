package main

import (
	"context"
	"fmt"
	"time"

	"sluice/alert"
	"sluice/alert/alertdb"
	"sluice/gateway"
	"sluice/seal"
)

// carryEvery is how often answers to alerts are looked for that a bank has yet
// to take.
const carryEvery = time.Second

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
	for {
		if _, err := h.desk.Carry(ctx); err != nil && ctx.Err() == nil {
			h.logger.WarnContext(ctx, "carry answers to alerts", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
