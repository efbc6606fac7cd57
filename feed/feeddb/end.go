package feeddb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/sqldb"
)

const (
	lockShards = `
SELECT s.shard, s.consumer, s.leased_until, coalesce(CAST($3 AS BIGINT), {clock}) FROM feed_shards s
WHERE s.partner = $2 AND s.shard IN (SELECT CAST(r.value ->> 'shard' AS BIGINT) FROM {rows}) ORDER BY s.shard`
	renewLeases = `
UPDATE feed_shards SET leased_until = $4
WHERE partner = $2 AND consumer = $3 AND shard IN (SELECT CAST(r.value ->> 'shard' AS BIGINT) FROM {rows})`
	selectErrors = `
SELECT d.shard, d.pos, d.id, d.consent_id, d.kind, d.errors FROM feed_deliveries d
WHERE d.partner = $2 AND d.consumer <> '' AND (d.shard, d.pos) IN (
    SELECT CAST(r.value ->> 'shard' AS BIGINT), CAST(r.value ->> 'pos' AS BIGINT) FROM {rows})`
	putOff = `
UPDATE feed_deliveries SET errors = errors + 1, consumer = '', due_at = CAST(r.value ->> 'due' AS BIGINT)
FROM {rows}
WHERE partner = r.value ->> 'partner' AND shard = CAST(r.value ->> 'shard' AS BIGINT) AND pos = CAST(r.value ->> 'pos' AS BIGINT)`
	bury = `
INSERT INTO feed_dead (id, partner, consent_id, kind, errors, shard, pos, error, at)
SELECT r.value ->> 'id', CAST($2 AS TEXT), r.value ->> 'consent', r.value ->> 'kind',
       CAST(r.value ->> 'errors' AS BIGINT), CAST(r.value ->> 'shard' AS BIGINT), CAST(r.value ->> 'pos' AS BIGINT), r.value ->> 'error', CAST($3 AS BIGINT)
FROM {rows}`
)

// ref is a delivery's place among its partner's.
type ref struct {
	shard int
	pos   int64
}

func (r ref) row() row { return row{"shard": r.shard, "pos": r.pos} }

// Acknowledge ends deliveries or puts them off.
func (s *Store) Acknowledge(ctx context.Context, partner consent.PartnerID, consumer string, acks []feed.Ack) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		e := ending{Store: s, tx: tx, partner: partner}
		var done []ref
		failed := map[ref]string{}
		shards := map[int]bool{}
		for _, a := range acks {
			shards[a.Shard] = true
			if a.Error == "" {
				done = append(done, ref{a.Shard, a.Pos})
			} else {
				failed[ref{a.Shard, a.Pos}] = a.Error
			}
		}
		if err := e.lock(ctx, shards, consumer); err != nil {
			return err
		}
		dead, err := e.fail(ctx, failed)
		if err != nil {
			return err
		}
		_, err = e.end(ctx, append(done, dead...))
		return err
	})
	s.quiet.end(partner)
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// Drop ends deliveries unreceived.
func (s *Store) Drop(ctx context.Context, dropped []feed.Delivery, why string) error {
	of := map[consent.PartnerID][]ref{}
	for _, d := range dropped {
		of[d.Partner] = append(of[d.Partner], ref{d.Shard, d.Pos})
	}
	for _, partner := range sorted(of) {
		if err := s.drop(ctx, partner, of[partner], why); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) drop(ctx context.Context, partner consent.PartnerID, refs []ref, why string) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		e := ending{Store: s, tx: tx, partner: partner}
		shards := map[int]bool{}
		for _, r := range refs {
			shards[r.shard] = true
		}
		if err := e.lock(ctx, shards, ""); err != nil {
			return err
		}
		kinds, err := e.end(ctx, refs)
		if err != nil {
			return err
		}
		counts := map[string]int{}
		for _, k := range kinds {
			counts[feed.Dropped(k, why)]++
		}
		return s.count(ctx, tx, string(partner), e.at, counts)
	})
	s.quiet.end(partner)
	if err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	return nil
}

// ending is a transaction that ends deliveries of one partner.
type ending struct {
	*Store
	tx      sqldb.Tx
	partner consent.PartnerID
	at      time.Time // of the locks
}

// lock locks shards, and renews those that are leased to the consumer.
func (e *ending) lock(ctx context.Context, shards map[int]bool, consumer string) error {
	var rows, renewed []row
	for _, nth := range slices.Sorted(maps.Keys(shards)) {
		rows = append(rows, row{"shard": nth})
	}
	err := e.readRows(ctx, e.tx, "lock shards", func(r *sql.Rows) error {
		var (
			l         feed.Leased
			until, at int64
		)
		err := r.Scan(&l.Shard, &l.Consumer, &until, &at)
		e.at = instant(at)
		if consumer != "" && l.Consumer == consumer && stale(instant(until), e.at) {
			renewed = append(renewed, row{"shard": l.Shard})
		}
		return err //nolint:wrapcheck // readRows wraps
	}, e.locking(lockShards, "s"), rows, string(e.partner), e.moment())
	if err != nil {
		return err
	}
	return e.write(ctx, e.tx, "renew leases", renewLeases, renewed, string(e.partner), consumer, e.at.Add(feed.Lease).UnixMilli())
}

// fail puts off what is out and could not be taken, and answers what was not
// taken often enough: that is buried and must be ended.
func (e *ending) fail(ctx context.Context, failed map[ref]string) ([]ref, error) {
	var ask, later, buried []row
	for r := range failed {
		ask = append(ask, r.row())
	}
	var dead []ref
	err := e.readRows(ctx, e.tx, "read deliveries", func(r *sql.Rows) error {
		var (
			at                ref
			id, consent, kind string
			errors            int
		)
		err := r.Scan(&at.shard, &at.pos, &id, &consent, &kind, &errors)
		errors++
		rest, again := feed.Backoff(errors)
		if again {
			later = append(later, row{
				"partner": string(e.partner), "shard": at.shard, "pos": at.pos, "due": e.at.Add(rest).UnixMilli(),
			})
			return err //nolint:wrapcheck // readRows wraps
		}
		dead = append(dead, at)
		buried = append(buried, row{
			"id": id, "consent": consent, "kind": kind, "errors": errors, "shard": at.shard, "pos": at.pos, "error": failed[at],
		})
		return err //nolint:wrapcheck // readRows wraps
	}, selectErrors, ask, string(e.partner))
	if err != nil {
		return nil, err
	}
	if err := e.write(ctx, e.tx, "put off", putOff, later); err != nil {
		return nil, err
	}
	return dead, e.write(ctx, e.tx, "put aside", bury, buried, string(e.partner), e.at.UnixMilli())
}

const (
	deleteDeliveries = `
DELETE FROM feed_deliveries WHERE partner = $2 AND (shard, pos) IN (
    SELECT CAST(r.value ->> 'shard' AS BIGINT), CAST(r.value ->> 'pos' AS BIGINT) FROM {rows})
RETURNING shard, consent_id, lane, bank, account, sequence, kind, head`
	nextHeads = `
UPDATE feed_deliveries SET head = 1, due_at = $3
WHERE partner = $2 AND head = 0 AND (shard, pos) IN (
    SELECT CAST(r.value ->> 'shard' AS BIGINT), (
        SELECT min(d.pos) FROM feed_deliveries d
        WHERE d.partner = $2 AND d.shard = CAST(r.value ->> 'shard' AS BIGINT)
          AND d.consent_id = r.value ->> 'consent' AND d.lane = r.value ->> 'lane')
    FROM {rows})`
	lockEvents = `
SELECT e.sequence FROM feed_events e
WHERE (e.bank, e.account, e.sequence) IN (
    SELECT r.value ->> 'bank', r.value ->> 'account', CAST(r.value ->> 'sequence' AS BIGINT) FROM {rows})
ORDER BY e.bank, e.account, e.sequence`
	needLess = `
UPDATE feed_events SET waiting = waiting - CAST(r.value ->> 'n' AS BIGINT)
FROM {rows}
WHERE bank = r.value ->> 'bank' AND account = r.value ->> 'account' AND sequence = CAST(r.value ->> 'sequence' AS BIGINT)`
	eraseEvents = `
DELETE FROM feed_events WHERE waiting <= 0 AND (bank, account, sequence) IN (
    SELECT r.value ->> 'bank', r.value ->> 'account', CAST(r.value ->> 'sequence' AS BIGINT) FROM {rows})`
)

// end ends deliveries, makes the next of each lane its head, and erases what
// nobody waits for any more. It answers the kinds of those that were there.
func (e *ending) end(ctx context.Context, refs []ref) ([]feed.Kind, error) {
	var rows, lanes []row
	for _, r := range refs {
		rows = append(rows, r.row())
	}
	var kinds []feed.Kind
	less := map[place]int{}
	err := e.readRows(ctx, e.tx, "end deliveries", func(r *sql.Rows) error {
		var (
			p                   place
			nth, head           int
			consent, lane, kind string
		)
		if err := r.Scan(&nth, &consent, &lane, &p.bank, &p.account, &p.sequence, &kind, &head); err != nil {
			return err //nolint:wrapcheck // readRows wraps
		}
		k, err := kindOf(kind)
		kinds = append(kinds, k)
		if head == 1 {
			lanes = append(lanes, row{"shard": nth, "consent": consent, "lane": lane})
		}
		if k.Cluster() != 0 {
			less[p]++
		}
		return err
	}, deleteDeliveries, rows, string(e.partner))
	if err != nil {
		return nil, err
	}
	if err := e.write(ctx, e.tx, "find next heads", nextHeads, lanes, string(e.partner), e.at.UnixMilli()); err != nil {
		return nil, err
	}
	return kinds, e.erase(ctx, less)
}

// erase counts down who needs events, and erases those that nobody does.
func (e *ending) erase(ctx context.Context, less map[place]int) error {
	var rows []row
	for _, p := range slices.SortedFunc(maps.Keys(less), comparePlaces) {
		rows = append(rows, row{"bank": string(p.bank), "account": string(p.account), "sequence": p.sequence, "n": less[p]})
	}
	if len(rows) > 1 { // in one order, so that two who end the same do not wait for each other
		err := e.readRows(ctx, e.tx, "lock events", func(*sql.Rows) error { return nil }, e.locking(lockEvents, "e"), rows)
		if err != nil {
			return err
		}
	}
	if err := e.write(ctx, e.tx, "count down", needLess, rows); err != nil {
		return err
	}
	return e.write(ctx, e.tx, "erase events", eraseEvents, rows)
}
