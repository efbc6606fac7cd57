package samplebank

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// consentState is where a consent stands, as far as a conversation cares.
type consentState int

const (
	notKnown consentState = iota
	inForce
	held
	over
)

// standing is what the bank knows of a consent.
type standing struct {
	state    consentState
	accounts []string // those that share conversations
}

// mayPermit says whether nothing is known against talking about an account.
func (s standing) mayPermit(account string) bool {
	return s.state == notKnown || s.state != over && slices.Contains(s.accounts, account)
}

func standingOf(c *consentv1.Consent) standing {
	var s standing
	switch c.GetStatus() {
	case consentv1.ConsentStatus_CONSENT_STATUS_ACTIVE:
		s.state = inForce
	case consentv1.ConsentStatus_CONSENT_STATUS_PENDING, consentv1.ConsentStatus_CONSENT_STATUS_PARTIALLY_AUTHORIZED,
		consentv1.ConsentStatus_CONSENT_STATUS_PAUSED, consentv1.ConsentStatus_CONSENT_STATUS_SUSPENDED:
		s.state = held
	default:
		s.state = over
	}
	for _, share := range c.GetShares() {
		if slices.Contains(share.GetClusters(), datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS) {
			s.accounts = append(s.accounts, share.GetAccountId())
		}
	}
	return s
}

// learn notes where a consent stands, and ends the conversations that it does not
// permit any more.
func (k *conversations) learn(consent string, s standing, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.standing[consent] = s
	for _, c := range k.byID {
		if c.consent == consent && !c.sample && c.ended.IsZero() && !s.mayPermit(c.account) {
			c.end(datav1.ConversationEnd_CONVERSATION_END_CONSENT, now)
		}
	}
	k.tell()
}

// unsettled forgets where consents stood that changed, and says which have to be
// looked up: those of open conversations of which nothing is known.
func (k *conversations) unsettled(changed []string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range changed {
		delete(k.standing, id)
	}
	seen := map[string]bool{}
	for _, c := range k.byID {
		if !c.sample && c.ended.IsZero() && k.standing[c.consent].state == notKnown {
			seen[c.consent] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// FollowerConfig is what following consents needs. What is 0 gets the value in
// brackets.
type FollowerConfig struct {
	Client bankv1.ConsentServiceClient
	// Wait passes time, or ends early with ctx.
	Wait  func(ctx context.Context, d time.Duration) error
	Every time.Duration // (1 s)
	// Failed is told what went wrong; it is tried again. May be nil.
	Failed func(error)
}

// FollowConsents keeps the bank's conversations within their consents: it reads
// the events of consents, and ends each conversation whose consent ended, or does
// not share the account's conversations any more. Until a consent was looked up,
// and while it is held, nobody at the bank can write under it. It ends with ctx.
func (b *Bank) FollowConsents(ctx context.Context, c FollowerConfig) error {
	f := &follower{bank: b, client: c.Client}
	for {
		if err := f.look(ctx); err != nil && ctx.Err() == nil && c.Failed != nil {
			c.Failed(err)
		}
		if err := c.Wait(ctx, cmp.Or(c.Every, time.Second)); err != nil {
			return nil //nolint:nilerr // it was to end
		}
	}
}

// follower reads consents' events from the beginning, since the bank forgets its
// conversations and the cursor together.
type follower struct {
	bank   *Bank
	client bankv1.ConsentServiceClient
	cursor string
}

// eventPage is how many events are read at once.
const eventPage = 500

// look reads what is new, and looks up the consents that it concerns. What can't
// be looked up is not known, and tried again the next time.
func (f *follower) look(ctx context.Context) error {
	for more := true; more; {
		r, err := f.client.ListConsentEvents(ctx, &bankv1.ListConsentEventsRequest{PageSize: eventPage, Cursor: f.cursor})
		if err != nil {
			return fmt.Errorf("read events of consents: %w", err)
		}
		var changed []string
		for _, e := range r.GetEvents() {
			changed = append(changed, e.GetConsentId())
		}
		more, f.cursor = len(changed) == eventPage, r.GetCursor()
		f.bank.talks.unsettled(changed)
	}
	var errs []error
	for _, id := range f.bank.talks.unsettled(nil) {
		r, err := f.client.GetConsent(ctx, &bankv1.GetConsentRequest{ConsentId: id})
		if err != nil {
			errs = append(errs, fmt.Errorf("look up consent: %w", err))
			continue
		}
		f.bank.talks.learn(id, standingOf(r.GetConsent()), f.bank.now())
	}
	return errors.Join(errs...)
}
