package replicadb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/consent/replica"
	"sluice/mutant"
	"sluice/sqldb"
)

// recentMillis is how far back a release makes its replica one to wait for. An
// answer can be on its way for a quarter of a second only; the rest is for a
// database whose clock is being set.
const recentMillis = 2000

const (
	// maxChanges bounds what one beat reads; the next one goes on.
	maxChanges = 60_000
	// backlog is how many changes of each shard a new replica hears of, so that
	// it can judge what others left in the shared cache.
	backlog = 200
)

// Registry keeps replicas in PostgreSQL. It may be used by many goroutines.
type Registry struct {
	db     *sqldb.DB
	boot   string
	others string
}

// New keeps replicas in db; this one is boot.
func New(db *sqldb.DB, boot string) *Registry {
	return &Registry{db: db, boot: boot, others: fmt.Sprintf(selectOthers, db.Clock())}
}

// Who released is read from what was released, not from who is registered: a
// replica that was taken for dead and wakes may release before it notices.
const selectOthers = `
SELECT coalesce(r.boot, d.boot), coalesce(r.address, ''), d.boot IS NOT NULL
FROM replicas r
FULL JOIN (SELECT DISTINCT boot FROM disclosures WHERE consent_id = $1 AND at > %s - $2) d ON d.boot = r.boot
WHERE coalesce(r.boot, d.boot) <> $3 AND r.address IS DISTINCT FROM ''`

// Others lists the other replicas, and which of them released under the consent
// a moment ago. One that did and is not registered has no address. Those who
// left by themselves hold nothing, and are not listed.
func (r *Registry) Others(ctx context.Context, id consent.ID) ([]barrier.Replica, error) {
	rows, err := r.db.Reader().QueryContext(ctx, r.others, string(id), int64(recentMillis), r.boot)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	defer rows.Close()
	var out []barrier.Replica
	for rows.Next() {
		var b barrier.Replica
		if err := rows.Scan(&b.Boot, &b.Address, &b.Recent); err != nil {
			return nil, fmt.Errorf("list replicas: %w", err)
		}
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return out, nil
}

// Register adds a replica, or takes its row over.
func (r *Registry) Register(ctx context.Context, boot, address string) (replica.Pulse, error) {
	var p replica.Pulse
	err := r.db.Transact(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `
INSERT INTO replicas (boot, address, heartbeat) VALUES ($1, $2, 1)
ON CONFLICT (boot) DO UPDATE SET address = excluded.address, heartbeat = replicas.heartbeat + 1`, boot, address); err != nil {
			return fmt.Errorf("insert replica: %w", err)
		}
		if err := readPulse(ctx, tx, &p); err != nil {
			return err
		}
		since := map[int64]int64{}
		for _, h := range p.Heads {
			since[h.Shard] = max(0, h.Pos-backlog)
			p.From = append(p.From, consent.Position{Shard: h.Shard, Pos: since[h.Shard]})
		}
		return readChanges(ctx, tx, since, &p)
	})
	if err != nil {
		return replica.Pulse{}, fmt.Errorf("register: %w", err)
	}
	return p, nil
}

// Leave says that this replica holds nothing any more. Its row stays until
// another takes it for dead: what it released a moment ago is known to have left.
func (r *Registry) Leave(ctx context.Context) error {
	return r.write(ctx, "leave", `UPDATE replicas SET address = '' WHERE boot = $1`, r.boot)
}

// Remove takes a replica out whose counter is still this.
func (r *Registry) Remove(ctx context.Context, boot string, heartbeat int64) error {
	return r.write(ctx, "remove replica", `DELETE FROM replicas WHERE boot = $1 AND heartbeat = $2`, boot, heartbeat)
}

func (r *Registry) write(ctx context.Context, what, text string, args ...any) error {
	err := r.db.Transact(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Beat writes a heartbeat and reads the changes after since.
func (r *Registry) Beat(ctx context.Context, boot string, since map[int64]int64) (replica.Pulse, error) {
	var p replica.Pulse
	beat := func(tx sqldb.Tx) error {
		if !mutant.Is(mutant.LeaseByRead) {
			beaten, err := tx.ExecContext(ctx, `UPDATE replicas SET heartbeat = heartbeat + 1 WHERE boot = $1`, boot)
			if err != nil {
				return fmt.Errorf("write heartbeat: %w", err)
			}
			if n, err := beaten.RowsAffected(); err != nil || n == 0 {
				return errors.Join(replica.ErrRemoved, err)
			}
		}
		if err := readPulse(ctx, tx, &p); err != nil {
			return err
		}
		return readChanges(ctx, tx, since, &p)
	}
	if err := r.db.Transact(ctx, beat); err != nil {
		return replica.Pulse{}, fmt.Errorf("beat: %w", err)
	}
	return p, nil
}

func readPulse(ctx context.Context, tx sqldb.Tx, p *replica.Pulse) error {
	if err := tx.QueryRowContext(ctx, `SELECT incarnation FROM meta`).Scan(&p.Incarnation); err != nil {
		return fmt.Errorf("read incarnation: %w", err)
	}
	err := each(ctx, tx, `SELECT shard, pos FROM change_head`, nil, func(rows *sql.Rows) error {
		var at consent.Position
		p.Heads = append(p.Heads, at)
		last := &p.Heads[len(p.Heads)-1]
		return rows.Scan(&last.Shard, &last.Pos) //nolint:wrapcheck // wrapped by each
	})
	if err != nil {
		return err
	}
	return each(ctx, tx, `SELECT boot, address, heartbeat FROM replicas`, nil, func(rows *sql.Rows) error {
		var r replica.Row
		err := rows.Scan(&r.Boot, &r.Address, &r.Heartbeat)
		p.Replicas = append(p.Replicas, r)
		return err //nolint:wrapcheck // wrapped by each
	})
}

// readChanges reads what came after since in the shards that moved, in order.
func readChanges(ctx context.Context, tx sqldb.Tx, since map[int64]int64, p *replica.Pulse) error {
	var shards, from []int64
	for _, h := range p.Heads {
		if h.Pos > since[h.Shard] {
			shards, from = append(shards, h.Shard), append(from, since[h.Shard])
		}
	}
	if len(shards) == 0 {
		return nil
	}
	return each(ctx, tx, `
SELECT c.shard, c.pos, c.consent_id, c.version
FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[])) AS s (shard, pos)
JOIN grant_changes c ON c.shard = s.shard AND c.pos > s.pos
ORDER BY c.shard, c.pos LIMIT $3`, []any{shards, from, maxChanges}, func(rows *sql.Rows) error {
		var c consent.Notice
		err := rows.Scan(&c.At.Shard, &c.At.Pos, &c.ID, &c.Revision)
		p.Changes = append(p.Changes, c)
		return err //nolint:wrapcheck // wrapped by each
	})
}

func each(ctx context.Context, tx sqldb.Tx, query string, args []any, row func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	return nil
}
