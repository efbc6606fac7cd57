package feeddb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"sluice/consent"
	"sluice/feed"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/mutant"
	"sluice/sqldb"
)

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// Publish takes events.
func (s *Store) Publish(ctx context.Context, bank consent.BankID, events []feed.Event) (feed.Published, error) {
	ids, of := feed.ByAccount(events)
	if len(ids) == 0 {
		return feed.Published{}, nil
	}
	var p feed.Published
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		p = feed.Published{}
		b := batch{Store: s, tx: tx, bank: bank}
		states, err := b.states(ctx, ids, events)
		if err != nil {
			return err
		}
		var taken []feed.Event
		for i, st := range states {
			t, rejected := st.Take(of[ids[i]])
			taken = append(taken, t...)
			p.Rejections = append(p.Rejections, rejected...)
			p.Positions = append(p.Positions, st.Position())
		}
		if err := b.keep(ctx, states); err != nil {
			return err
		}
		if p.Partners, err = b.spread(ctx, taken); err != nil {
			return err
		}
		counts := map[string]int{}
		for _, r := range p.Rejections {
			counts[feed.Rejected(r)]++
		}
		return b.count(ctx, tx, string(bank), b.at, counts)
	})
	s.quiet.end(p.Partners...)
	if err != nil && !mutant.Is(mutant.ToldBeforeDurable) {
		return feed.Published{}, fmt.Errorf("publish: %w", err)
	}
	return p, nil
}

// batch is one bank's events on their way in.
type batch struct {
	*Store
	tx   sqldb.Tx
	bank consent.BankID
	at   time.Time // of the locks
}

const (
	// Makes accounts that are new, and locks all in the order of the list.
	lockAccounts = `
INSERT INTO feed_accounts (bank, account, sequence, ahead)
SELECT CAST($2 AS TEXT), r.value ->> 'account', 0, 0 FROM {rows} WHERE true
ON CONFLICT (bank, account) DO UPDATE SET sequence = feed_accounts.sequence
RETURNING account, sequence, ahead, coalesce(CAST($3 AS BIGINT), {clock})`
	selectAccounts = `
SELECT a.account, a.sequence, a.ahead FROM feed_accounts a
WHERE a.bank = $2 AND a.account IN (SELECT r.value ->> 'account' FROM {rows})`
	selectKnown = `
SELECT t.name, t.first_seq, t.last_seq, t.status, t.replaced_by FROM feed_transactions t
WHERE t.name IN (SELECT r.value ->> 'name' FROM {rows})`
)

// states are where the accounts stand, in the order of accounts; they are
// locked until the commit.
func (b *batch) states(ctx context.Context, ids []consent.AccountID, events []feed.Event) ([]*feed.State, error) {
	var rows []row
	for _, id := range ids {
		rows = append(rows, row{"account": string(id)})
	}
	of := map[consent.AccountID]*feed.State{}
	err := b.readRows(ctx, b.tx, "lock accounts", func(r *sql.Rows) error {
		var at int64
		st := &feed.State{Known: map[string]feed.Known{}}
		err := r.Scan(&st.Account, &st.Sequence, &st.Ahead, &at)
		b.at = instant(at)
		of[st.Account] = st
		return err //nolint:wrapcheck // readRows wraps
	}, lockAccounts, rows, string(b.bank), b.moment())
	if err != nil {
		return nil, err
	}
	out := make([]*feed.State, len(ids))
	for i, id := range ids {
		if out[i] = of[id]; out[i] == nil {
			return nil, fmt.Errorf("lock accounts: %s is not there", id) //nolint:err113 // can't happen
		}
	}
	return out, b.known(ctx, of, events)
}

// known reads the transactions that the events name.
func (b *batch) known(ctx context.Context, of map[consent.AccountID]*feed.State, events []feed.Event) error {
	owner := map[string]consent.AccountID{}
	var rows []row
	for _, e := range events {
		for _, name := range e.Names() {
			if _, there := owner[name]; !there {
				rows = append(rows, row{"name": name})
			}
			owner[name] = e.Account
		}
	}
	return b.readRows(ctx, b.tx, "read transactions", func(r *sql.Rows) error {
		var (
			name   string
			k      feed.Known
			status int32
		)
		if err := r.Scan(&name, &k.First, &k.Last, &status, &k.By); err != nil {
			return err //nolint:wrapcheck // readRows wraps
		}
		k.Status = datav1.TransactionStatus(status)
		of[owner[name]].Known[name] = k
		return nil
	}, selectKnown, rows)
}

const (
	updateAccounts = `
UPDATE feed_accounts
SET sequence = CAST(r.value ->> 'sequence' AS BIGINT), ahead = CAST(r.value ->> 'ahead' AS BIGINT)
FROM {rows}
WHERE feed_accounts.bank = r.value ->> 'bank' AND feed_accounts.account = r.value ->> 'account'`
	keepKnown = `
INSERT INTO feed_transactions (name, first_seq, last_seq, status, replaced_by, at)
SELECT r.value ->> 'name', CAST(r.value ->> 'first' AS BIGINT), CAST(r.value ->> 'last' AS BIGINT),
       CAST(r.value ->> 'status' AS BIGINT), r.value ->> 'by', CAST($2 AS BIGINT)
FROM {rows} WHERE true
ON CONFLICT (name) DO UPDATE SET last_seq = excluded.last_seq, status = excluded.status,
    replaced_by = excluded.replaced_by, at = excluded.at`
)

// keep writes where the accounts stand now.
func (b *batch) keep(ctx context.Context, states []*feed.State) error {
	var accounts, known []row
	for _, st := range states {
		accounts = append(accounts, row{
			"bank": string(b.bank), "account": string(st.Account), "sequence": st.Sequence, "ahead": st.Ahead,
		})
		for _, name := range st.Noted {
			k := st.Known[name]
			known = append(known, row{"name": name, "first": k.First, "last": k.Last, "status": int32(k.Status), "by": k.By})
		}
	}
	if err := b.write(ctx, b.tx, "keep transactions", keepKnown, known, b.at.UnixMilli()); err != nil {
		return err
	}
	return b.write(ctx, b.tx, "keep accounts", updateAccounts, accounts)
}

const selectGrants = `
SELECT s.account, s.consent_id, s.partner, s.clusters FROM shared_accounts s
WHERE s.bank = $2 AND s.account IN (SELECT r.value ->> 'account' FROM {rows}) AND s.active = 1 AND s.valid_until > $3
ORDER BY s.account, s.consent_id`

const insertEvents = `
INSERT INTO feed_events (bank, account, sequence, kind, day, occurred_at, published_at, sealed, waiting)
SELECT CAST($2 AS TEXT), r.value ->> 'account', CAST(r.value ->> 'sequence' AS BIGINT), r.value ->> 'kind',
       CAST(r.value ->> 'day' AS BIGINT), CAST(r.value ->> 'occurred' AS BIGINT), CAST($3 AS BIGINT),
       r.value ->> 'sealed', CAST(r.value ->> 'waiting' AS BIGINT)
FROM {rows}`

// spread keeps those of the events taken that somebody waits for, and makes
// their deliveries. That locks partners' shards, and so comes late.
func (b *batch) spread(ctx context.Context, taken []feed.Event) ([]consent.PartnerID, error) {
	var rows []row
	ids, _ := feed.ByAccount(taken)
	for _, id := range ids {
		rows = append(rows, row{"account": string(id)})
	}
	var grants []feed.Grant
	err := b.readRows(ctx, b.tx, "read grants", func(r *sql.Rows) error {
		var g feed.Grant
		err := r.Scan(&g.Account, &g.Consent, &g.Partner, &g.Clusters)
		grants = append(grants, g)
		return err //nolint:wrapcheck // readRows wraps
	}, selectGrants, rows, string(b.bank), b.at.UnixMilli())
	if err != nil {
		return nil, err
	}
	for i := range taken {
		taken[i].PublishedAt = b.at
	}
	deliveries := feed.Spread(taken, grants)
	partners := map[consent.PartnerID]bool{}
	waiting := map[place]int{}
	for _, d := range deliveries {
		partners[d.Partner] = true
		waiting[placeOf(d.Event)]++
	}
	rows = nil
	for _, e := range taken {
		if n := waiting[placeOf(e)]; n > 0 {
			rows = append(rows, row{
				"account": string(e.Account), "sequence": e.Sequence, "kind": e.Kind.String(), "day": int64(e.Day),
				"occurred": e.OccurredAt.UnixMilli(), "sealed": string(e.Answer), "waiting": n,
			})
		}
	}
	err = b.write(ctx, b.tx, "keep events", insertEvents, rows, string(b.bank), b.at.UnixMilli())
	if err != nil {
		return nil, err
	}
	return sorted(partners), b.add(ctx, b.tx, deliveries, b.at)
}

// Positions answers positions.
func (s *Store) Positions(ctx context.Context, bank consent.BankID, accounts []consent.AccountID) ([]feed.Position, error) {
	var rows []row
	for _, id := range accounts {
		rows = append(rows, row{"account": string(id)})
	}
	of := map[consent.AccountID]feed.Position{}
	err := s.readRows(ctx, s.db.Reader(), "read positions", func(r *sql.Rows) error {
		var st feed.State
		err := r.Scan(&st.Account, &st.Sequence, &st.Ahead)
		of[st.Account] = st.Position()
		return err //nolint:wrapcheck // readRows wraps
	}, selectAccounts, rows, string(bank))
	if err != nil {
		return nil, err
	}
	out := make([]feed.Position, len(accounts))
	for i, id := range accounts {
		out[i] = of[id]
		out[i].Account = id
	}
	return out, nil
}
