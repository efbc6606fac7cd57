package feeddb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/consent"
	"sluice/feed"
	"sluice/sqldb"
)

// One look at a partner's shards: who has each, and when its heads are due,
// first and last, and what time it is; in a shard numbered -1 the changes that wait
// in the outbox, and in -2 until when the consumer was seen.
const selectShards = `
SELECT s.shard, s.consumer, s.leased_until,
       coalesce((SELECT min(d.due_at) FROM feed_deliveries d WHERE d.partner = s.partner AND d.shard = s.shard AND d.head = 1), %[1]s),
       coalesce((SELECT max(d.due_at) FROM feed_deliveries d WHERE d.partner = s.partner AND d.shard = s.shard AND d.head = 1), 0),
       coalesce(CAST($2 AS BIGINT), {clock})
FROM feed_shards s WHERE s.partner = $1`

const (
	never = "9223372036854775807"
	more  = `
UNION ALL SELECT -1, '', 0, coalesce((SELECT 0 FROM feed_outbox WHERE partner = $1 LIMIT 1), ` + never + `), 0, coalesce(CAST($2 AS BIGINT), {clock})
UNION ALL SELECT -2, consumer, seen_until, ` + never + `, 0, 0 FROM feed_consumers WHERE partner = $1 AND consumer = $3`
	inShardOrder = ` ORDER BY s.shard`
)

// shardRow is one shard as it stands.
type shardRow struct {
	feed.Leased
	first, last int64 // when heads are due
	at          int64 // what time it was
}

// look is what is known before anything is locked.
type look struct {
	shards []shardRow
	told   bool      // nothing waits in the outbox
	seen   time.Time // until when the consumer is known to others
	at     time.Time
}

func scanShard(r *sql.Rows) (shardRow, error) {
	var (
		s     shardRow
		until int64
	)
	err := r.Scan(&s.Shard, &s.Consumer, &until, &s.first, &s.last, &s.at)
	s.Until = instant(until)
	return s, err //nolint:wrapcheck // read wraps
}

func (s *Store) look(ctx context.Context, partner consent.PartnerID, consumer string) (look, error) {
	var l look
	err := read(ctx, s.db.Reader(), "look at shards", func(r *sql.Rows) error {
		row, err := scanShard(r)
		switch row.Shard {
		case -1:
			l.told, l.at = row.first != 0, instant(row.at)
		case -2:
			l.seen = row.Until
		default:
			l.shards = append(l.shards, row)
		}
		return err
	}, s.text(fmt.Sprintf(selectShards, never)+more), string(partner), s.moment(), consumer)
	return l, err
}

// idle says that there is nothing to write: nothing to give out, no lease to
// renew, and nobody to whom this consumer should make itself known.
func (l look) idle(consumer string) bool {
	at, soon := l.at, l.at.Add(feed.Lease/2)
	for _, s := range l.shards {
		due, mine := s.first <= at.UnixMilli(), s.Consumer == consumer
		switch {
		case due && s.Free(consumer, at):
			return false
		case s.Consumer != "" && !mine && s.last > at.UnixMilli() && s.Free(consumer, at):
			return false // what a silent consumer has out is due
		case due && l.seen.Before(soon):
			return false
		case mine && s.last > at.UnixMilli() && s.Until.Before(soon):
			return false
		}
	}
	return l.told
}

// Due gives out deliveries.
func (s *Store) Due(ctx context.Context, partner consent.PartnerID, consumer string, room feed.Room) ([]feed.Delivery, error) {
	calm, turn := s.quiet.holds(partner, s.local())
	if calm {
		return nil, nil
	}
	asked := s.local()
	l, err := s.look(ctx, partner, consumer)
	if err != nil {
		return nil, err
	}
	if l.idle(consumer) {
		s.quiet.begin(partner, turn, asked.Add(l.calm()))
		return nil, nil
	}
	var out []feed.Delivery
	err = s.db.Transact(ctx, func(tx sqldb.Tx) error {
		g := giving{Store: s, tx: tx, partner: partner, consumer: consumer, at: l.at}
		if !l.told {
			if err := g.begin(ctx); err != nil {
				return err
			}
		}
		if err := g.lock(ctx); err != nil {
			return err
		}
		if !l.told {
			if err := g.tell(ctx); err != nil {
				return err
			}
		}
		mine, err := g.lease(ctx, l.seen)
		if err != nil {
			return err
		}
		out, err = g.heads(ctx, mine, room)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("give out deliveries: %w", err)
	}
	return out, nil
}

// giving is one consumer's turn.
type giving struct {
	*Store
	tx       sqldb.Tx
	partner  consent.PartnerID
	consumer string
	at       time.Time
	shards   []shardRow
}

func (g *giving) lock(ctx context.Context) error {
	return read(ctx, g.tx, "lock shards", func(r *sql.Rows) error {
		row, err := scanShard(r)
		g.shards, g.at = append(g.shards, row), instant(row.at)
		return err
	}, g.locking(fmt.Sprintf(selectShards, never)+inShardOrder, "s"), string(g.partner), g.moment())
}

const (
	seeConsumer = `
INSERT INTO feed_consumers (partner, consumer, seen_until) VALUES ($1, $2, $3)
ON CONFLICT (partner, consumer) DO UPDATE SET seen_until = excluded.seen_until`
	countConsumers = `SELECT count(*) FROM feed_consumers WHERE partner = $1 AND seen_until > $2`
	updateLeases   = `
UPDATE feed_shards SET consumer = r.value ->> 'consumer', leased_until = CAST(r.value ->> 'until' AS BIGINT)
FROM {rows}
WHERE feed_shards.partner = $2 AND feed_shards.shard = CAST(r.value ->> 'shard' AS BIGINT)`
	takeOver = `
UPDATE feed_deliveries SET due_at = $3, consumer = ''
WHERE partner = $1 AND shard = $2 AND head = 1 AND due_at > $3 AND consumer = $4`
)

// stale says whether a lease is worth renewing: not more than once a second.
func stale(until, at time.Time) bool { return until.Before(at.Add(feed.Lease - time.Second)) }

// lease takes the consumer's part of the shards, and answers those in which
// something is due. What a silent consumer has out in one of them is.
func (g *giving) lease(ctx context.Context, seen time.Time) ([]int, error) {
	if stale(seen, g.at) {
		until := g.at.Add(feed.Lease).UnixMilli()
		if _, err := g.tx.ExecContext(ctx, seeConsumer, string(g.partner), g.consumer, until); err != nil {
			return nil, fmt.Errorf("note the consumer: %w", err)
		}
	}
	var consumers int
	if err := g.tx.QueryRowContext(ctx, countConsumers, string(g.partner), g.at.UnixMilli()).Scan(&consumers); err != nil {
		return nil, fmt.Errorf("count consumers: %w", err)
	}
	all := make([]feed.Leased, len(g.shards))
	for i, s := range g.shards {
		all[i] = s.Leased
	}
	mine, letGo := feed.Share(all, g.consumer, consumers, g.at)
	if err := g.write(ctx, g.tx, "lease shards", updateLeases, g.leases(mine, letGo), string(g.partner)); err != nil {
		return nil, err
	}
	return g.due(ctx, mine)
}

// leases are the shards whose rows must change.
func (g *giving) leases(mine, letGo []int) []row {
	var rows []row
	for _, s := range g.shards {
		switch {
		case slices.Contains(letGo, s.Shard):
			rows = append(rows, row{"shard": s.Shard, "consumer": "", "until": 0})
		case slices.Contains(mine, s.Shard) && (s.Consumer != g.consumer || stale(s.Until, g.at)):
			rows = append(rows, row{"shard": s.Shard, "consumer": g.consumer, "until": g.at.Add(feed.Lease).UnixMilli()})
		}
	}
	return rows
}

// due are the shards in which something is, with what silent consumers had out.
func (g *giving) due(ctx context.Context, mine []int) ([]int, error) {
	var due []int
	for _, s := range g.shards {
		if !slices.Contains(mine, s.Shard) {
			continue
		}
		silent := s.Consumer != "" && s.Consumer != g.consumer && s.last > g.at.UnixMilli()
		if silent {
			if _, err := g.tx.ExecContext(ctx, takeOver, string(g.partner), s.Shard, g.at.UnixMilli(), s.Consumer); err != nil {
				return nil, fmt.Errorf("take over a shard: %w", err)
			}
		}
		if silent || s.first <= g.at.UnixMilli() {
			due = append(due, s.Shard)
		}
	}
	return due, nil
}

const (
	selectHeads = `
SELECT d.pos, d.id, d.consent_id, d.bank, d.account, d.sequence, d.kind, d.published_at, d.attempts,
       coalesce(e.day, -2147483648), coalesce(e.occurred_at, d.published_at), coalesce(e.sealed, ''),
       coalesce(c.kind, ''), coalesce(c.actor_kind, ''), coalesce(c.actor_id, ''), coalesce(c.why, ''), coalesce(c.status, '')
FROM (
    SELECT h.partner, h.shard, h.pos FROM feed_deliveries h
    WHERE h.partner = $1 AND h.shard = $2 AND h.head = 1 AND h.due_at <= $3
    ORDER BY h.due_at, h.pos LIMIT $4) AS next
JOIN feed_deliveries d ON d.partner = next.partner AND d.shard = next.shard AND d.pos = next.pos
LEFT JOIN feed_events e ON e.bank = d.bank AND e.account = d.account AND e.sequence = d.sequence AND e.kind = d.kind
LEFT JOIN consent_revisions c ON c.consent_id = d.consent_id AND c.revision = d.sequence
    AND d.kind IN ('CONSENT_CHANGED', 'ACCOUNT_LEFT')`
	giveOut = `
UPDATE feed_deliveries SET attempts = attempts + 1, due_at = $3, consumer = $4
WHERE partner = $2 AND (shard, pos) IN (
    SELECT CAST(r.value ->> 'shard' AS BIGINT), CAST(r.value ->> 'pos' AS BIGINT) FROM {rows})`
)

// heads gives out what is due in shards, beginning with another one each time.
func (g *giving) heads(ctx context.Context, shards []int, room feed.Room) ([]feed.Delivery, error) {
	var (
		out   []feed.Delivery
		rows  []row
		bytes int
		full  bool
	)
	for i := range shards {
		nth := shards[(i+int(g.at.UnixMilli()%int64(len(shards))))%len(shards)]
		if full || len(out) >= room.Events {
			break
		}
		err := read(ctx, g.tx, "read heads", func(r *sql.Rows) error {
			d, err := scanDelivery(r, g.partner, nth)
			size := len(d.Event.Answer)
			if full = full || !room.Fits(len(out), bytes, size); full {
				return nil // it stays due, here or for others
			}
			bytes += size
			rows = append(rows, row{"shard": nth, "pos": d.Pos})
			if !errors.Is(err, errUnknown) {
				out = append(out, d)
				return err
			}
			return nil // it rests, until a replica that knows more asks
		}, selectHeads, string(g.partner), nth, g.at.UnixMilli(), room.Events-len(out))
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b feed.Delivery) int { return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Pos, b.Pos)) })
	return out, g.write(ctx, g.tx, "give out", giveOut, rows, string(g.partner), g.at.Add(feed.AckWait).UnixMilli(), g.consumer)
}

func scanDelivery(r *sql.Rows, partner consent.PartnerID, shard int) (feed.Delivery, error) {
	var (
		d                                feed.Delivery
		kind, sealed                     string
		published, occurred, day         int64
		changed, actor, actorID, why, to string
	)
	err := r.Scan(&d.Pos, &d.Event.ID, &d.Consent, &d.Event.Bank, &d.Event.Account, &d.Event.Sequence, &kind, &published,
		&d.Attempts, &day, &occurred, &sealed, &changed, &actor, &actorID, &why, &to)
	if err != nil {
		return feed.Delivery{}, err //nolint:wrapcheck // read wraps
	}
	d.Partner, d.Shard, d.Attempts = partner, shard, d.Attempts+1
	d.Event.Day, d.Event.OccurredAt, d.Event.PublishedAt = consent.Day(day), instant(occurred), instant(published)
	if d.Event.Kind, err = kindOf(kind); err != nil {
		return d, err
	}
	if d.Event.Kind.Cluster() != 0 {
		d.Event.Answer = []byte(sealed)
		return d, nil
	}
	d.Change, err = change(d, changed, actor, actorID, why, to)
	return d, err
}
