package feeddb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/sqldb"
)

const (
	selectChanged = `SELECT consent_id, partner, max(revision) FROM (
    SELECT consent_id, partner, revision FROM feed_changed WHERE at > 0 AND at <= $1 ORDER BY at LIMIT 100) AS c
GROUP BY consent_id, partner ORDER BY consent_id`
	newChanged    = `SELECT count(*) FROM (SELECT 1 FROM feed_changed WHERE at = 0 LIMIT 1) AS new`
	hearOf        = `UPDATE feed_changed SET at = $1 WHERE at = 0`
	forgetChanged = `DELETE FROM feed_changed WHERE consent_id = $1 AND revision <= $2`
	// A consent's deliveries are looked for in each shard, whose numbers are {rows}.
	selectOfConsent = `
SELECT d.shard, d.pos, d.kind, coalesce((
    SELECT s.clusters FROM shared_accounts s
    WHERE s.bank = d.bank AND s.account = d.account AND s.consent_id = d.consent_id), 0)
FROM {rows} CROSS JOIN feed_deliveries d
WHERE d.partner = $2 AND d.shard = CAST(r.value ->> 'shard' AS BIGINT) AND d.consent_id = $3`
)

// changed is a consent that changed after something was shared under it.
type changed struct {
	id       consent.ID
	partner  consent.PartnerID
	revision int64
}

// withdraw ends what waits under consents that share it no more. It says
// whether there may be more.
func (s *Store) withdraw(ctx context.Context, at time.Time) (bool, error) {
	if err := s.hear(ctx, at); err != nil {
		return false, err
	}
	var all []changed
	err := read(ctx, s.db.Reader(), "read changed consents", func(r *sql.Rows) error {
		var c changed
		err := r.Scan(&c.id, &c.partner, &c.revision)
		all = append(all, c)
		return err //nolint:wrapcheck // read wraps
	}, selectChanged, at.Add(-feed.Settled).UnixMilli())
	if err != nil {
		return false, err
	}
	for _, c := range all {
		refs, err := s.sharedNoMore(ctx, c)
		if err != nil {
			return false, err
		}
		if len(refs) > 0 {
			if err := s.drop(ctx, c.partner, refs, feed.Withdrawn); err != nil {
				return false, err
			}
			continue // there may be more of it
		}
		err = s.db.Batch(ctx, []*sqldb.Statement{{Text: forgetChanged, Args: []any{string(c.id), c.revision}}})
		if err != nil {
			return false, fmt.Errorf("forget that a consent changed: %w", err)
		}
	}
	return len(all) > 0, nil
}

// hear notes when it was first seen that consents changed: what their own
// changes say is by a replica's clock.
func (s *Store) hear(ctx context.Context, at time.Time) error {
	var unheard int
	if err := s.db.Reader().QueryRowContext(ctx, newChanged).Scan(&unheard); err != nil {
		return fmt.Errorf("look for changed consents: %w", err)
	}
	if unheard == 0 {
		return nil
	}
	err := s.db.Batch(ctx, []*sqldb.Statement{{Text: hearOf, Args: []any{at.UnixMilli()}}})
	if err != nil {
		return fmt.Errorf("hear of changed consents: %w", err)
	}
	return nil
}

// sharedNoMore are deliveries of what the consent does not share now, at most
// sweepAtOnce.
func (s *Store) sharedNoMore(ctx context.Context, c changed) ([]ref, error) {
	var out []ref
	err := s.readRows(ctx, s.db.Reader(), "read deliveries of a consent", func(r *sql.Rows) error {
		var (
			d        ref
			kind     string
			clusters consent.Clusters
		)
		if err := r.Scan(&d.shard, &d.pos, &kind, &clusters); err != nil {
			return err //nolint:wrapcheck // readRows wraps
		}
		k, err := kindOf(kind)
		if k.Cluster() != 0 && !clusters.Has(k.Cluster()) && len(out) < sweepAtOnce {
			out = append(out, d)
		}
		return err
	}, selectOfConsent, allShards(), string(c.partner), string(c.id))
	return out, err
}

func allShards() []row {
	var rows []row
	for nth := range feed.Shards {
		rows = append(rows, row{"shard": nth})
	}
	return rows
}
