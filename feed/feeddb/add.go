package feeddb

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/mutant"
	"sluice/sqldb"
)

// place names an event.
type place struct {
	bank     consent.BankID
	account  consent.AccountID
	sequence int64
}

func placeOf(e feed.Event) place { return place{e.Bank, e.Account, e.Sequence} }

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.bank, b.bank), cmp.Compare(a.account, b.account), cmp.Compare(a.sequence, b.sequence))
}

// shard is one of a partner's.
type shard struct {
	partner consent.PartnerID
	nth     int
}

type lane struct {
	shard   shard
	consent consent.ID
	name    string
}

func laneOf(d feed.Delivery) lane {
	return lane{shard{d.Partner, d.Shard}, d.Consent, d.Lane()}
}

const (
	advance = `
INSERT INTO feed_shards (partner, shard, pos, consumer, leased_until)
SELECT r.value ->> 'partner', CAST(r.value ->> 'shard' AS BIGINT), CAST(r.value ->> 'n' AS BIGINT), '', 0
FROM {rows} WHERE true
ON CONFLICT (partner, shard) DO UPDATE SET pos = feed_shards.pos + excluded.pos
RETURNING partner, shard, pos`
	insertDeliveries = `
INSERT INTO feed_deliveries (partner, shard, pos, id, consent_id, lane, bank, account, sequence, kind, published_at,
                             head, due_at, consumer, attempts, errors)
SELECT r.value ->> 'partner', CAST(r.value ->> 'shard' AS BIGINT), CAST(r.value ->> 'pos' AS BIGINT), r.value ->> 'id',
       r.value ->> 'consent', r.value ->> 'lane', r.value ->> 'bank', r.value ->> 'account',
       CAST(r.value ->> 'sequence' AS BIGINT), r.value ->> 'kind', CAST(r.value ->> 'published' AS BIGINT),
       CASE WHEN CAST(r.value ->> 'first' AS BIGINT) = 1 AND NOT EXISTS (
           SELECT 1 FROM feed_deliveries d
           WHERE d.partner = r.value ->> 'partner' AND d.shard = CAST(r.value ->> 'shard' AS BIGINT)
             AND d.consent_id = r.value ->> 'consent' AND d.lane = r.value ->> 'lane') THEN 1 ELSE 0 END,
       CAST($2 AS BIGINT), '', 0, 0
FROM {rows}`
)

// add gives deliveries the next places of their shards, which stay locked until
// the commit. The first of a lane is its head.
func (s *Store) add(ctx context.Context, tx sqldb.Tx, deliveries []feed.Delivery, at time.Time) error {
	more := map[shard]int64{}
	for _, d := range deliveries {
		more[shard{d.Partner, d.Shard}]++
	}
	var shards []row
	for _, sh := range inOrder(more) {
		shards = append(shards, row{"partner": string(sh.partner), "shard": sh.nth, "n": more[sh]})
	}
	next := map[shard]int64{}
	err := s.readRows(ctx, tx, "advance shards", func(r *sql.Rows) error {
		var (
			sh  shard
			pos int64
		)
		err := r.Scan(&sh.partner, &sh.nth, &pos)
		next[sh] = pos - more[sh]
		return err //nolint:wrapcheck // readRows wraps
	}, advance, shards)
	if err != nil {
		return err
	}
	var rows []row
	begun := map[lane]bool{}
	for _, d := range deliveries {
		sh, l := shard{d.Partner, d.Shard}, laneOf(d)
		next[sh]++
		rows = append(rows, row{
			"partner": string(d.Partner), "shard": d.Shard, "pos": next[sh], "id": d.Event.ID, "consent": string(d.Consent),
			"lane": l.name, "bank": string(d.Event.Bank), "account": string(d.Event.Account), "sequence": d.Event.Sequence,
			"kind": d.Event.Kind.String(), "published": d.Event.PublishedAt.UnixMilli(), "first": sqldb.Bool(!begun[l] || mutant.Is(mutant.OpenLane)),
		})
		begun[l] = true
	}
	return s.write(ctx, tx, "add deliveries", insertDeliveries, rows, at.UnixMilli())
}

// inOrder is the order in which shards are locked.
func inOrder[V any](m map[shard]V) []shard {
	out := make([]shard, 0, len(m))
	for s := range m {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b shard) int {
		return cmp.Or(cmp.Compare(a.partner, b.partner), cmp.Compare(a.nth, b.nth))
	})
	return out
}
