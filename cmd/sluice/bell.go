package main

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"sluice/consent"
	"sluice/feed"
	"sluice/feed/feeddb"
)

const (
	// ringTimeout bounds the look for the partner of a consent that was changed.
	ringTimeout = 2 * time.Second
	// ringsAtOnce is how many are looked for at once; any other is heard of by
	// polling, as all are where no notice comes.
	ringsAtOnce = 8
)

// bell wakes streams, for what was published and for what was changed elsewhere.
type bell struct {
	feed.Bell
	store *feeddb.Store
}

func newBell(store *feeddb.Store) *bell { return &bell{store: store} }

// ring wakes a partner's streams for a change of a consent, which the feed does
// not make itself and so must be told of.
func (b *bell) ring(partner consent.PartnerID) {
	b.store.Stir(partner)
	b.Wake([]consent.PartnerID{partner})
}

// ringing is a store of consents that rings for the partner whose consent was
// changed: its streams hear of it at once.
type ringing struct {
	consent.Store
	ring func(consent.PartnerID)
}

// Create keeps a first revision.
func (r ringing) Create(ctx context.Context, c consent.Consent, ch consent.Change) error {
	return r.rung(c, r.Store.Create(ctx, c, ch))
}

// Replace keeps the next revision.
func (r ringing) Replace(ctx context.Context, c consent.Consent, ch consent.Change) error {
	return r.rung(c, r.Store.Replace(ctx, c, ch))
}

func (r ringing) rung(c consent.Consent, err error) error {
	if err == nil {
		r.ring(c.Partner)
	}
	return err
}

// finder finds grants.
type finder interface {
	Grant(ctx context.Context, id consent.ID) (consent.Grant, error)
}

// hearing obeys other replicas' notices, and rings for what they changed.
type hearing struct {
	fence  func(ctx context.Context, id consent.ID, revision int64) error
	grants finder
	ring   func(consent.PartnerID)
	room   *semaphore.Weighted
}

func newHearing(fence func(context.Context, consent.ID, int64) error, grants finder, ring func(consent.PartnerID)) *hearing {
	return &hearing{fence: fence, grants: grants, ring: ring, room: semaphore.NewWeighted(ringsAtOnce)}
}

// Fence obeys a notice; nobody waits for the ring.
func (h *hearing) Fence(ctx context.Context, id consent.ID, revision int64) error {
	if h.room.TryAcquire(1) {
		go h.find(context.WithoutCancel(ctx), id)
	}
	return h.fence(ctx, id, revision)
}

func (h *hearing) find(ctx context.Context, id consent.ID) {
	defer h.room.Release(1)
	ctx, cancel := context.WithTimeout(ctx, ringTimeout)
	defer cancel()
	if g, err := h.grants.Grant(ctx, id); err == nil {
		h.ring(g.Partner())
	} // else it is polled for
}
