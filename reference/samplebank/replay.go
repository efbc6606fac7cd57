package samplebank

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// Replay says what of the past is published as if it happened now.
type Replay struct {
	Accounts []string
	Days     int     // the newest so many days of each account; all if 0
	Speed    float64 // so many times faster than it happened; as fast as can be if 0
}

// scene is what one account does at one time.
type scene struct {
	at      time.Time
	account string
	events  []*bankv1.FeedEvent
}

// Replay publishes transactions of the past, each first PENDING and then POSTED
// with the balances that it leaves; those that the bank makes itself are POSTED
// at once. Ids, days and amounts are those that ListTransactions answers. It goes
// on where the gateway is: a replay with the same days continues an earlier one.
func (b *Bank) Replay(ctx context.Context, p *Publisher, r Replay) error {
	scenes, err := b.scenes(r)
	if err != nil {
		return err
	}
	positions, err := p.Resume(ctx, r.Accounts...)
	if err != nil {
		return err
	}
	scenes = behind(scenes, positions)
	for i, s := range scenes {
		if i > 0 && r.Speed > 0 {
			if err := p.config.Wait(ctx, time.Duration(float64(s.at.Sub(scenes[i-1].at))/r.Speed)); err != nil {
				return err
			}
		}
		// An account whose feed has stopped does not stop the others; Settled tells.
		if err := p.Put(ctx, s.account, s.events...); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

var errNotHere = errors.New("the bank has no such account")

// scenes are all there is to replay, in the order of time.
func (b *Bank) scenes(r Replay) ([]scene, error) {
	var out []scene
	for _, id := range r.Accounts {
		a, ok := b.data.accounts[id]
		if !ok || a.bank != b.bank {
			return nil, fmt.Errorf("replay %s: %w", id, errNotHere)
		}
		for _, t := range a.transactions {
			if r.Days > 0 && t.day <= newest-day(r.Days) {
				continue
			}
			if !t.atOnce() {
				pending := b.pendingEvent(a, t)
				out = append(out, scene{b.moment(t, entered).AsTime(), id, []*bankv1.FeedEvent{pending}})
			}
			out = append(out, scene{b.moment(t, booked).AsTime(), id, b.bookedEvents(a, t)})
		}
	}
	slices.SortStableFunc(out, func(x, y scene) int { return cmp.Compare(x.at.UnixNano(), y.at.UnixNano()) })
	return out, nil
}

// behind leaves out what was published before.
func behind(scenes []scene, positions map[string]int64) []scene {
	done := map[string]int64{}
	var out []scene
	for _, s := range scenes {
		skip := min(max(positions[s.account]-done[s.account], 0), int64(len(s.events)))
		done[s.account] += int64(len(s.events))
		if s.events = s.events[skip:]; len(s.events) > 0 {
			out = append(out, s)
		}
	}
	return out
}
