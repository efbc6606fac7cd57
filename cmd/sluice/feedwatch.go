package main

import (
	"context"
	"log/slog"
	"slices"

	"sluice/consent"
	"sluice/feed"
)

// watchedFeed is the feed as partners' door has it: what they acknowledge is
// counted, and what is put aside is said in the log.
type watchedFeed struct {
	*feed.Feed
	metrics *metrics
	log     *slog.Logger
}

// Acknowledge acknowledges. What the door's partner says of its errors is not
// logged: it may be anything.
func (w watchedFeed) Acknowledge(ctx context.Context, partner consent.PartnerID, consumer string, acks []feed.Ack) error {
	failed := 0
	for _, a := range acks {
		if a.Error != "" {
			failed++
		}
	}
	before, known := w.aside(ctx, partner, failed)
	if err := w.Feed.Acknowledge(ctx, partner, consumer, acks); err != nil {
		return err //nolint:wrapcheck // stands for it
	}
	w.metrics.acknowledged(partner, len(acks)-failed, failed)
	if after, read := w.aside(ctx, partner, failed); known && read {
		w.say(ctx, before, after)
	}
	return nil
}

// aside is the newest that was put aside of a partner. If it can't be read the
// log says less, and nothing else is worse.
func (w watchedFeed) aside(ctx context.Context, partner consent.PartnerID, limit int) ([]feed.Dead, bool) {
	if limit == 0 {
		return nil, true
	}
	dead, err := w.Dead(ctx, partner, limit)
	return dead, err == nil
}

func (w watchedFeed) say(ctx context.Context, before, after []feed.Dead) {
	for _, d := range after {
		if slices.ContainsFunc(before, func(b feed.Dead) bool { return b.ID == d.ID }) {
			continue
		}
		w.log.WarnContext(ctx, "an event was put aside", "event", d.ID, "partner", string(d.Partner),
			"consent", string(d.Consent), "kind", d.Kind.String(), "errors", d.Errors)
	}
}
