package logdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice/disclosure"
	"sluice/sqldb"
)

const (
	// outcomesLimit bounds how many outcomes wait while the database is away.
	// Beyond it a record says sent of what was withheld: too much, never too little.
	outcomesLimit   = 10_000
	outcomesTimeout = 2 * time.Second
	outcomesPause   = 200 * time.Millisecond
)

// outcomes writes down, in the background, what became of releases that were
// not simply sent.
type outcomes struct {
	db   *sqldb.DB
	wake chan struct{}

	mu      sync.Mutex
	waiting []outcome
}

type outcome struct {
	id   disclosure.ID
	what disclosure.Outcome
}

func (o *outcomes) add(id disclosure.ID, what disclosure.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) < outcomesLimit {
		o.waiting = append(o.waiting, outcome{id, what})
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// writeAll writes what waits until closing, and then once more.
func (o *outcomes) writeAll(closing <-chan struct{}) {
	for {
		select {
		case <-o.wake:
			for !o.write() {
				select {
				case <-time.After(outcomesPause):
				case <-closing:
					return
				}
			}
		case <-closing:
			o.write()
			return
		}
	}
}

// write says whether nothing waits any more.
func (o *outcomes) write() bool {
	o.mu.Lock()
	taken := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	if len(taken) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), outcomesTimeout)
	defer cancel()
	if err := o.insert(ctx, taken); err != nil {
		o.mu.Lock()
		o.waiting = append(taken, o.waiting...)
		o.mu.Unlock()
		return false
	}
	return true
}

// insert asks nothing about the disclosure: whether it was committed may not be
// known even to the database yet, and an outcome of none says nothing.
func (o *outcomes) insert(ctx context.Context, all []outcome) error {
	text := fmt.Sprintf(`
INSERT INTO disclosure_outcomes (id, outcome, at) VALUES ($1, $2, %s)
ON CONFLICT (id) DO NOTHING`, o.db.Clock())
	statements := make([]*sqldb.Statement, len(all))
	for i, out := range all {
		statements[i] = &sqldb.Statement{Text: text, Args: []any{string(out.id), out.what.String()}}
	}
	return o.db.Batch(ctx, statements) //nolint:wrapcheck // tried again, whatever it was
}
