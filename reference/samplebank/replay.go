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
	Days     int     // the newest so many days of the data; all if 0
	Before   int     // without the newest so many days
	Speed    float64 // so many times faster than it happened; as fast as can be if 0
}

// scene is what one account does at one time.
type scene struct {
	at      time.Time
	account string
	events  []*bankv1.FeedEvent
}

// Replay publishes transactions of the past, each first PENDING and then POSTED
// with the balances that it leaves, and the alerts they raised; those that the
// bank makes itself are POSTED at once. Ids, days and amounts are those that ListTransactions answers. It goes
// on where the gateway is: a replay with the same Days continues an earlier one.
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

var errNotHere = errors.New("the bank has no such thing")

// Resolve publishes what came of an alert, once the bank has looked into the
// customer's answer. The account must be one that is replayed.
func (b *Bank) Resolve(ctx context.Context, p *Publisher, a Answered) error {
	if err := p.config.Wait(ctx, lookedInto); err != nil {
		return err
	}
	resolved, err := b.resolvedEvent(a.Account, a.Alert)
	if err != nil {
		return err
	}
	return p.Put(ctx, a.Account, resolved)
}

// scenes are all there is to replay, in the order of time.
func (b *Bank) scenes(r Replay) ([]scene, error) {
	var out []scene
	for _, id := range r.Accounts {
		a, ok := b.data.accounts[id]
		if !ok || a.bank != b.bank {
			return nil, fmt.Errorf("replay %s: %w", id, errNotHere)
		}
		for i, t := range a.transactions {
			if r.Days > 0 && t.day <= newest-day(r.Days) || t.day > newest-day(r.Before) {
				continue
			}
			if !t.atOnce() {
				first := []*bankv1.FeedEvent{b.pendingEvent(a, t)}
				if raised := b.raisedEvent(a, i); raised != nil {
					first = append(first, raised)
				}
				out = append(out, scene{b.moment(t, entered).AsTime(), id, first})
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
