package consent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sluice/refusal"
)

// page is how many consents are read at once of those that change together.
const page = 200

// RevokeAll takes back every consent of the customer's own that is not at an
// end, and answers those. Each is committed before the first is waited for, so
// nothing new is released under any from early on. A consent that fails does
// not keep the others; the error has them all, and asking again does the rest
// and waits for those that were taken back but not told.
func (b *Book) RevokeAll(ctx context.Context, who ByCustomer) ([]Consent, error) {
	return b.together(ctx, who, who, func(c Consent) (apply, bool) {
		return Consent.Revoke, !Ended(c.Status) || c.Status == Revoked && !c.Fenced()
	})
}

// WithdrawEverywhere takes an account out of every consent of a customer that
// is not at an end, for the bank, e.g. because it was closed. It answers the
// consents that lost it, and fails as RevokeAll does.
func (b *Book) WithdrawEverywhere(ctx context.Context, bank ByBank, customer CustomerID, account AccountID) ([]Consent, error) {
	owner := ByCustomer{Bank: BankID(bank), Customer: customer}
	return b.together(ctx, bank, owner, func(c Consent) (apply, bool) {
		return func(c Consent, by Actor, at time.Time) (Consent, Change, error) {
			return c.WithdrawAccount(account, by, at)
		}, !Ended(c.Status) && c.share(account) >= 0
	})
}

// together changes those of a customer's consents that choose picks, by one
// reading of the clock. Earlier changes of the others that were not in force
// yet are waited for too: they may be what an earlier call like this left.
func (b *Book) together(ctx context.Context, s Scope, of ByCustomer, choose func(Consent) (apply, bool)) ([]Consent, error) {
	var f faults
	f.named("bank_id", string(of.Bank))
	f.named("customer_id", string(of.Customer))
	if err := f.refuse(); err != nil {
		return nil, err
	}
	at := moment(b.now())
	mine, err := b.every(ctx, Query{Bank: of.Bank, Customer: of.Customer})
	if err != nil {
		return nil, err
	}
	var (
		changed, waiting []Consent
		failed           []error
	)
	for _, c := range mine {
		do, chosen := choose(c)
		if !chosen {
			if !c.Fenced() {
				waiting = append(waiting, c)
			}
			continue
		}
		next, _, err := b.commit(ctx, s, c.ID, 0, at, do)
		switch {
		case err == nil:
			changed = append(changed, next)
		case overtaken(err):
		default:
			failed = append(failed, fmt.Errorf("change %s: %w", c.ID, err))
		}
	}
	failed = append(failed, b.passAll(ctx, changed), b.passAll(ctx, waiting))
	return changed, errors.Join(failed...)
}

// overtaken says that a consent ended, or lost the account, in between.
func overtaken(err error) bool {
	reason := refusal.ReasonOf(err)
	return reason == refusal.ChangeNotPossible || reason == refusal.InvalidRequest
}

// passAll waits at the barrier for all at once, and leaves them in all as they
// are then.
func (b *Book) passAll(ctx context.Context, all []Consent) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			var c Consent
			if c, errs[i] = b.pass(ctx, all[i], true); errs[i] == nil {
				all[i] = c
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// every reads all that a query selects.
func (b *Book) every(ctx context.Context, q Query) ([]Consent, error) {
	var all []Consent
	for q.Limit = page; ; {
		found, err := b.List(ctx, q)
		if err != nil {
			return nil, err
		}
		all = slices.Concat(all, found)
		if len(found) < q.Limit {
			return all, nil
		}
		q.Before = found[len(found)-1].ID
	}
}
