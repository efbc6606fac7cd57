package feeddb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sluice/consent"
	"sluice/feed"
	consentv1 "sluice/gen/sluice/consent/v1"
)

const (
	beginShards = `
INSERT INTO feed_shards (partner, shard, pos, consumer, leased_until)
SELECT CAST($2 AS TEXT), CAST(r.value ->> 'shard' AS BIGINT), 0, '', 0 FROM {rows} WHERE true
ON CONFLICT (partner, shard) DO NOTHING`
	takeChanges = `
DELETE FROM feed_outbox WHERE (partner, consent_id, revision, account) IN (
    SELECT o.partner, o.consent_id, o.revision, o.account FROM feed_outbox o
    WHERE o.partner = $1 ORDER BY o.consent_id, o.revision, o.account LIMIT 500)
RETURNING consent_id, revision, account, bank, at`
)

// begin makes all the partner's shards, so that they can be locked in order
// before any is added to.
func (g *giving) begin(ctx context.Context) error {
	return g.write(ctx, g.tx, "begin shards", beginShards, allShards(), string(g.partner))
}

// tell makes deliveries of changes of consents that wait in the outbox. Those
// of one consent were committed in the order of its revisions.
func (g *giving) tell(ctx context.Context) error {
	var changes []feed.Delivery
	err := read(ctx, g.tx, "take changes of consents", func(r *sql.Rows) error {
		var at int64
		d := feed.Delivery{Partner: g.partner, Event: feed.Event{Kind: feed.ConsentChanged, ID: feed.NewID()}}
		err := r.Scan(&d.Consent, &d.Event.Sequence, &d.Event.Account, &d.Event.Bank, &at)
		if d.Event.Account != "" {
			d.Event.Kind = feed.AccountLeft
		}
		d.Event.PublishedAt = instant(at)
		d.Shard = feed.ShardOf(string(d.Consent))
		changes = append(changes, d)
		return err //nolint:wrapcheck // read wraps
	}, takeChanges, string(g.partner))
	if err != nil {
		return err
	}
	feed.SortChanges(changes)
	if err := g.add(ctx, g.tx, changes, g.at); err != nil {
		return err
	}
	for i := range g.shards {
		g.shards[i].first = min(g.shards[i].first, g.at.UnixMilli())
	}
	return nil
}

// errUnknown means that an event or a change has a name that is not known here,
// e.g. because a newer replica wrote it.
var errUnknown = errors.New("a name is not known")

// change reads a change's names. One that is not known fails: a partner must not
// be told half of it.
func change(d feed.Delivery, kind, actor, actorID, why, status string) (consent.Change, error) {
	c := consent.Change{
		Consent: d.Consent, Revision: d.Event.Sequence, At: d.Event.PublishedAt, Actor: consent.Actor{ID: actorID},
		Kind:   consent.ChangeKind(consentv1.ChangeKind_value["CHANGE_KIND_"+kind]),
		Why:    consent.Why(consentv1.ChangeReason_value["CHANGE_REASON_"+why]),
		Status: consent.Status(consentv1.ConsentStatus_value["CONSENT_STATUS_"+status]),
	}
	c.Actor.Kind = consent.ActorKind(consentv1.ActorKind_value["ACTOR_KIND_"+actor])
	if c.Kind == 0 || c.Actor.Kind == 0 || c.Status == 0 || consent.WhyName(c.Why) != why {
		return consent.Change{}, fmt.Errorf("read the change of %s: %w", d.Consent, errUnknown)
	}
	return c, nil
}
