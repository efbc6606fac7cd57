package consent

import (
	"context"
	"fmt"
	"time"

	"sluice/refusal"
)

// Request asks for a consent, under a new id. It is PENDING until a customer of
// the bank decides.
func (b *Book) Request(ctx context.Context, partner PartnerID, bank BankID, terms Terms) (Consent, error) {
	at := b.now()
	c, made, err := Request(newID(), partner, bank, terms, at)
	if err != nil {
		return Consent{}, err
	}
	waiting, err := b.store.Waiting(ctx, partner, at.Add(-AuthorizationTimeout), MaxWaiting)
	if err != nil {
		return Consent{}, unread(ctx, fmt.Errorf("count requests: %w", err))
	}
	if waiting >= MaxWaiting {
		return Consent{}, refusal.New(refusal.ChangeNotPossible, "too many requests wait for their customers; ask again when some were answered, or ended by time")
	}
	if err := b.store.Create(ctx, c, made); err != nil {
		return Consent{}, unkept(fmt.Errorf("keep REQUEST: %w", err))
	}
	return c, nil
}

// Authorize agrees to a choice, as the customer or as an awaited co-holder.
// expected is the revision they saw, 0 for any; so it is for all changes below.
func (b *Book) Authorize(ctx context.Context, s Scope, id ID, expected int64, choice Choice) (Consent, error) {
	return b.change(ctx, s, id, expected, func(c Consent, by Actor, at time.Time) (Consent, Change, error) {
		return c.Authorize(choice, by, at)
	})
}

// Reject refuses, as the customer or as an awaited co-holder.
func (b *Book) Reject(ctx context.Context, s Scope, id ID, expected int64) (Consent, error) {
	return b.change(ctx, s, id, expected, Consent.Reject)
}

// Narrow makes a consent smaller.
func (b *Book) Narrow(ctx context.Context, s Scope, id ID, expected int64, to Narrowing) (Consent, error) {
	return b.change(ctx, s, id, expected, func(c Consent, by Actor, at time.Time) (Consent, Change, error) {
		return c.Narrow(to, by, at)
	})
}

// Pause holds a consent for its customer.
func (b *Book) Pause(ctx context.Context, s Scope, id ID, expected int64) (Consent, error) {
	return b.change(ctx, s, id, expected, Consent.Pause)
}

// Resume lifts the customer's hold.
func (b *Book) Resume(ctx context.Context, s Scope, id ID, expected int64) (Consent, error) {
	return b.change(ctx, s, id, expected, Consent.Resume)
}

// Renew gives a consent a later end.
func (b *Book) Renew(ctx context.Context, s Scope, id ID, expected int64, until time.Time) (Consent, error) {
	return b.change(ctx, s, id, expected, func(c Consent, by Actor, at time.Time) (Consent, Change, error) {
		return c.Renew(until, by, at)
	})
}

// AskRenewal asks the customer for a later end, for the partner. Until the
// customer renews, the end is as before.
func (b *Book) AskRenewal(ctx context.Context, s Scope, id ID, until time.Time) (Consent, error) {
	return b.change(ctx, s, id, 0, func(c Consent, by Actor, at time.Time) (Consent, Change, error) {
		return c.AskRenewal(until, by, at)
	})
}

// WithdrawAccount takes one account out; the last one ends the consent.
func (b *Book) WithdrawAccount(ctx context.Context, s Scope, id ID, expected int64, account AccountID) (Consent, error) {
	return b.change(ctx, s, id, expected, func(c Consent, by Actor, at time.Time) (Consent, Change, error) {
		return c.WithdrawAccount(account, by, at)
	})
}

// Suspend holds a consent for the bank or the operator, whatever its revision.
func (b *Book) Suspend(ctx context.Context, s Scope, id ID) (Consent, error) {
	return b.change(ctx, s, id, 0, Consent.Suspend)
}

// Unsuspend lifts the hold of the bank or the operator, each their own.
func (b *Book) Unsuspend(ctx context.Context, s Scope, id ID) (Consent, error) {
	return b.change(ctx, s, id, 0, Consent.Unsuspend)
}

// Revoke takes a consent back, whatever its revision. Doing so again is fine
// and answers the same consent.
func (b *Book) Revoke(ctx context.Context, s Scope, id ID) (Consent, error) {
	return b.change(ctx, s, id, 0, Consent.Revoke)
}

// Supersede ends a consent that a newer one replaces.
func (b *Book) Supersede(ctx context.Context, s Scope, id ID) (Consent, error) {
	return b.change(ctx, s, id, 0, Consent.Supersede)
}

// Expire ends a consent whose time is over. It needs no scope: the clock decides.
func (b *Book) Expire(ctx context.Context, id ID) (Consent, error) {
	return b.change(ctx, bySystem{}, id, 0, func(c Consent, _ Actor, at time.Time) (Consent, Change, error) {
		return c.Expire(at)
	})
}

// Consume ends a one-time consent that was used. That its sitting is over is
// for the caller to know.
func (b *Book) Consume(ctx context.Context, id ID) (Consent, error) {
	return b.change(ctx, bySystem{}, id, 0, func(c Consent, _ Actor, at time.Time) (Consent, Change, error) {
		return c.Consume(at)
	})
}
