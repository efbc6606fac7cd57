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

// sweepAtOnce bounds what one transaction forgets.
const sweepAtOnce = 500

const (
	selectOld  = `SELECT partner, shard, pos FROM feed_deliveries WHERE published_at < $1 ORDER BY published_at LIMIT $2`
	eraseOld   = `DELETE FROM feed_events WHERE published_at < $1`
	forgetOld  = `DELETE FROM feed_outbox WHERE at < $1`
	forgetDead = `DELETE FROM feed_dead WHERE at < $1`
	forgetSeen = `DELETE FROM feed_consumers WHERE seen_until < $1`
	forgetName = `DELETE FROM feed_transactions WHERE at < $1`
	forgetDays = `DELETE FROM feed_counts WHERE day < $1`
)

// Sweep forgets old events, a part of the deliveries at a time, and then what
// hangs on none.
func (s *Store) Sweep(ctx context.Context) (bool, error) {
	at, err := s.clock(ctx)
	if err != nil {
		return false, err
	}
	of := map[consent.PartnerID][]ref{}
	events, n := at.Add(-feed.Retention), 0
	err = read(ctx, s.db.Reader(), "read old deliveries", func(r *sql.Rows) error {
		var (
			partner consent.PartnerID
			d       ref
		)
		err := r.Scan(&partner, &d.shard, &d.pos)
		of[partner] = append(of[partner], d)
		n++
		return err //nolint:wrapcheck // read wraps
	}, selectOld, events.UnixMilli(), sweepAtOnce)
	if err != nil {
		return false, err
	}
	for _, partner := range sorted(of) {
		if err := s.drop(ctx, partner, of[partner], feed.Expired); err != nil {
			return false, err
		}
	}
	if n == sweepAtOnce {
		return true, nil
	}
	if more, err := s.withdraw(ctx, at); more || err != nil {
		return more, err
	}
	return false, s.forget(ctx, at)
}

// clock is what time it is.
func (s *Store) clock(ctx context.Context) (time.Time, error) {
	var at int64
	row := s.db.Reader().QueryRowContext(ctx, s.text(`SELECT coalesce(CAST($1 AS BIGINT), {clock})`), s.moment())
	if err := row.Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	return instant(at), nil
}

func (s *Store) forget(ctx context.Context, at time.Time) error {
	old, identities := at.Add(-feed.Retention).UnixMilli(), at.Add(-feed.IdentityRetention)
	err := s.db.Batch(ctx, []*sqldb.Statement{
		{Text: eraseOld, Args: []any{old}},
		{Text: forgetOld, Args: []any{old}},
		{Text: forgetDead, Args: []any{old}},
		{Text: forgetSeen, Args: []any{at.Add(-feed.Lease).UnixMilli()}},
		{Text: forgetName, Args: []any{identities.UnixMilli()}},
		{Text: forgetDays, Args: []any{int64(consent.DayOf(identities))}},
	})
	if err != nil {
		return fmt.Errorf("forget old events: %w", err)
	}
	return nil
}

// Dead lists what was put aside.
func (s *Store) Dead(ctx context.Context, partner consent.PartnerID, limit int) ([]feed.Dead, error) {
	text, args := `FROM feed_dead ORDER BY at DESC, id LIMIT $1`, []any{limit}
	if partner != "" {
		text, args = `FROM feed_dead WHERE partner = $2 ORDER BY at DESC, id LIMIT $1`, append(args, string(partner))
	}
	var out []feed.Dead
	err := read(ctx, s.db.Reader(), "read what was put aside", func(r *sql.Rows) error {
		var (
			d    feed.Dead
			kind string
			at   int64
		)
		if err := r.Scan(&d.ID, &d.Partner, &d.Consent, &kind, &d.Errors, &d.Shard, &d.Pos, &d.Error, &at); err != nil {
			return err //nolint:wrapcheck // read wraps
		}
		var err error
		d.At = instant(at)
		d.Kind, err = kindOf(kind)
		out = append(out, d)
		return err
	}, `SELECT id, partner, consent_id, kind, errors, shard, pos, error, at `+text, args...)
	return out, err
}
