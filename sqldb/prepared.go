package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// Reader reads committed data. A query is prepared once and kept, so its text
// must be one of few. It may be used by many goroutines.
type Reader struct {
	pool *sql.DB
	kept sync.Map // text to *sql.Stmt
}

// QueryContext is sql.DB's.
func (r *Reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := r.prepare(ctx, query) //nolint:sqlclosecheck // kept
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...) //nolint:wrapcheck // stands in for sql.DB
}

// QueryRowContext is sql.DB's.
func (r *Reader) QueryRowContext(ctx context.Context, query string, args ...any) Row {
	s, err := r.prepare(ctx, query) //nolint:sqlclosecheck // kept
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(ctx, args...)
}

// Row is one row, or why there is none.
type Row interface{ Scan(dest ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

func (r *Reader) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := r.kept.Load(query); ok {
		return s.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is kept
	}
	s, err := r.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if first, lost := r.kept.LoadOrStore(query, s); lost {
		_ = s.Close()                 //nolint:sqlclosecheck // somebody else was first, and both are the same
		return first.(*sql.Stmt), nil //nolint:forcetypeassert // nothing else is kept
	}
	return s, nil
}
