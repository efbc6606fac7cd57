package logdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/sqldb"
)

const (
	// batchLimit is how many entries share a commit at most. They are those that
	// came while the commit before was under way: nobody waits for company.
	batchLimit = 256
	// lanes is how many commits may be under way at once on PostgreSQL, so that
	// a grant that somebody else holds does not hold up all others.
	lanes = 2
	// commitTimeout bounds one commit, whatever its entries' callers wish.
	commitTimeout = 5 * time.Second
)

// errClosed means that the log was closed.
var errClosed = errors.New("the log is closed")

// pending is an entry on its way into the log.
type pending struct {
	id       disclosure.ID
	entry    disclosure.Entry
	seq, at  int64
	found    bool // the fence let it in
	err      error
	done     chan struct{} // closed when err, seq and at are settled
	deserted atomic.Bool   // its caller gave up
}

// Append adds the entry if the grant is still so; else disclosure.ErrGrantChanged.
// Entries of many callers share a commit.
func (l *Log) Append(ctx context.Context, id disclosure.ID, e disclosure.Entry) (seq int64, at time.Time, err error) {
	p := &pending{id: id, entry: e, done: make(chan struct{})}
	select {
	case l.queue <- p:
	case <-ctx.Done():
		return 0, time.Time{}, fmt.Errorf("append disclosure: %w", ctx.Err())
	case <-l.closing:
		return 0, time.Time{}, fmt.Errorf("append disclosure: %w", errClosed)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if p.desert() {
			return 0, time.Time{}, fmt.Errorf("append disclosure: %w", ctx.Err())
		}
		<-p.done
	}
	if p.err != nil {
		return 0, time.Time{}, p.err
	}
	return p.seq, time.UnixMilli(p.at).UTC(), nil
}

// desert and settle are two sides of one race: the loser learns of it.
func (p *pending) desert() bool { return p.deserted.CompareAndSwap(false, true) }

// settle hands the answer over. What nobody waits for any more will not leave.
func (l *Log) settle(p *pending, err error) {
	p.err = err
	heard := p.desert() // the caller can't desert any more
	close(p.done)
	if (err == nil && !heard) || errors.Is(err, sqldb.ErrOutcomeUnknown) {
		l.outcomes.add(p.id, disclosure.Withheld)
	}
}

// commitAll takes what waits and commits it, until the log is closed.
func (l *Log) commitAll() {
	for {
		select {
		case p := <-l.queue:
			l.commit(l.gather(p))
		case <-l.closing:
			return
		}
	}
}

// gather takes what is waiting, and waits for nothing.
func (l *Log) gather(first *pending) []*pending {
	batch := []*pending{first}
	for len(batch) < batchLimit {
		select {
		case p := <-l.queue:
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// commit appends a batch in one transaction. If that fails for one of them, the
// others are not to suffer: each grant is tried by itself, and then each entry.
func (l *Log) commit(batch []*pending) {
	err := l.try(batch)
	if err != nil && !errors.Is(err, sqldb.ErrOutcomeUnknown) {
		if parts := split(batch, errors.Is(err, sqldb.ErrLocked)); len(parts) > 1 {
			for _, part := range parts {
				l.apart.Go(func() { l.commit(part) })
			}
			return
		}
	}
	for _, p := range batch {
		switch {
		case err != nil:
			l.settle(p, fmt.Errorf("append disclosure: %w", err))
		case !p.found:
			l.settle(p, disclosure.ErrGrantChanged)
		default:
			l.settle(p, nil)
		}
	}
}

// split parts a batch by grants; one of a single grant by entries, unless it is
// the grant that could not be had.
func split(batch []*pending, locked bool) [][]*pending {
	byGrant := map[consent.ID][]*pending{}
	for _, p := range batch {
		byGrant[p.entry.Grant.ID()] = append(byGrant[p.entry.Grant.ID()], p)
	}
	parts := slices.Collect(maps.Values(byGrant))
	if len(parts) == 1 && !locked {
		parts = slices.Collect(slices.Chunk(batch, 1))
	}
	return parts
}

func (l *Log) try(batch []*pending) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	statements := l.locks(batch)
	inserts := make([]*sqldb.Statement, len(batch))
	for i, p := range batch {
		insert, err := l.insert(p)
		if err != nil {
			return err
		}
		inserts[i] = insert
	}
	if err := l.db.Batch(ctx, append(statements, inserts...)); err != nil {
		return err //nolint:wrapcheck // wrapped by settle
	}
	for i, p := range batch {
		p.found = inserts[i].Found
	}
	return nil
}
