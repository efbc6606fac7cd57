package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/refusal"
)

// sweepBatch is how many consents a sweep asks the store for at first.
const sweepBatch = 256

// FirstUse tells when data was first released under a consent; false if never.
type FirstUse = func(ctx context.Context, id ID) (time.Time, bool, error)

// Sweep expires what is due and consumes one-time consents whose sitting, which
// begins with their first use, is over. It answers how many it ended. A consent
// that fails does not keep the others from their end; the error has them all.
// Sweeps may run at once; a consent ends once.
func (b *Book) Sweep(ctx context.Context, firstUse FirstUse, sitting time.Duration) (int, error) {
	at := moment(b.now())
	swept, seen := 0, map[ID]bool{}
	var failed []error
	// One-time consents stay listed as long as they live. So that they can't
	// crowd out what comes behind them, each turn asks for more.
	for limit := sweepBatch; ; limit *= 2 {
		ids, err := b.store.Due(ctx, at, limit)
		if err != nil {
			return swept, errors.Join(append(failed, fmt.Errorf("list due consents: %w", err))...)
		}
		for _, id := range ids {
			if ctx.Err() != nil {
				return swept, errors.Join(append(failed, fmt.Errorf("sweep: %w", ctx.Err()))...)
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			ended, err := b.sweepOne(ctx, id, at, firstUse, sitting)
			if err != nil {
				failed = append(failed, fmt.Errorf("sweep %s: %w", id, err))
			}
			if ended {
				swept++
			}
		}
		if len(ids) < limit {
			return swept, errors.Join(failed...)
		}
	}
}

// sweepOne says whether it ended the consent. Whoever came first is no error.
func (b *Book) sweepOne(ctx context.Context, id ID, at time.Time, firstUse FirstUse, sitting time.Duration) (bool, error) {
	c, err := b.Get(ctx, bySystem{}, id)
	if err != nil {
		return false, err
	}
	end := b.Expire
	if !c.due(at) {
		first, used, err := usedFirst(ctx, c, firstUse)
		if err != nil {
			return false, fmt.Errorf("read first use: %w", err)
		}
		if !used || first.Add(sitting).After(at) {
			return false, nil
		}
		end = b.Consume
	}
	_, err = end(ctx, id)
	if err != nil && refusal.ReasonOf(err) == refusal.ChangeNotPossible {
		return false, nil
	}
	return err == nil, err
}

func usedFirst(ctx context.Context, c Consent, firstUse FirstUse) (time.Time, bool, error) {
	if !c.Asked.OneTime || !Live(c.Status) {
		return time.Time{}, false, nil
	}
	return firstUse(ctx, c.ID)
}
