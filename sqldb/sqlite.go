package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"syscall"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteReaders bounds the connections that read at once.
const sqliteReaders = 8

// ErrInUse means that another process has the database open.
var ErrInUse = errors.New("database is in use by another process")

// sqliteDB has one writer. Who wants to write waits for a turn, first come first
// served: a revoke waits for one batch of releases at most.
type sqliteDB struct {
	lock   *os.File
	pools  []*sql.DB
	writer *sqliteTx     // the only one
	turn   chan struct{} // holds one token: whose turn it is to write
}

// Open opens the SQLite database at path, making it if it is not there, and
// brings its schema up to date.
func Open(ctx context.Context, path string) (*DB, error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &sqliteDB{lock: lock, turn: make(chan struct{}, 1)}
	reader, err := s.open(ctx, path)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.turn <- struct{}{}
	return &DB{engine: s, reader: reader}, nil
}

func (s *sqliteDB) open(ctx context.Context, path string) (*Reader, error) {
	pool, err := s.pool(sqliteDSN(path, "_txlock=immediate"), 1)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, pool, goose.DialectSQLite3); err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s.writer = &sqliteTx{conn: conn, kept: map[string]*sql.Stmt{}}
	if pool, err = s.pool(sqliteDSN(path, "_pragma=query_only(1)"), sqliteReaders); err != nil {
		return nil, err
	}
	return &Reader{pool: pool}, nil
}

func (s *sqliteDB) pool(dsn string, connections int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	s.pools = append(s.pools, pool)
	return pool, nil
}

func sqliteDSN(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + more
}

func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s is locked", ErrInUse, path), f.Close())
	}
	return f, nil
}

func (s *sqliteDB) name() Engine { return SQLite }

func (s *sqliteDB) clock() string { return `CAST(unixepoch('subsec') * 1000 AS INTEGER)` }

func (s *sqliteDB) transact(ctx context.Context, f func(Tx) error) error {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return fmt.Errorf("wait to write: %w", ctx.Err())
	}
	defer func() { s.turn <- struct{}{} }()
	// A statement that its caller gave up would leave the transaction open, so
	// only its beginning can be given up.
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.writer.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(s.writer); err != nil {
		_, undone := s.writer.ExecContext(ctx, "ROLLBACK")
		return errors.Join(err, undone)
	}
	if _, err := s.writer.ExecContext(ctx, "COMMIT"); err != nil {
		// A commit that failed leaves the transaction open.
		_, undone := s.writer.ExecContext(ctx, "ROLLBACK")
		return errors.Join(fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err), undone)
	}
	return nil
}

func (s *sqliteDB) rows() string { return `json_each($1) AS r` }

func (s *sqliteDB) batch(ctx context.Context, statements []*Statement) error {
	return s.transact(ctx, func(tx Tx) error {
		ctx := context.WithoutCancel(ctx)
		for _, st := range statements {
			if err := st.run(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (st *Statement) run(ctx context.Context, tx Tx) error {
	if st.Must {
		var row any
		err := tx.QueryRowContext(ctx, st.Text, st.Args...).Scan(&row)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoRow
		}
		return taken(err)
	}
	if st.Into == nil {
		_, err := tx.ExecContext(ctx, st.Text, st.Args...)
		return taken(err)
	}
	err := tx.QueryRowContext(ctx, st.Text, st.Args...).Scan(st.Into...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	st.Found = err == nil
	return err //nolint:wrapcheck // the batch's caller says what it was doing
}

// taken tells a broken key from other errors.
func taken(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE) {
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err
}

func (s *sqliteDB) close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.conn.Close())
	}
	for _, pool := range s.pools {
		errs = append(errs, pool.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// sqliteTx is the one writing connection, whose statements are prepared once.
// Callers' contexts are not heeded inside a transaction; see transact.
type sqliteTx struct {
	conn *sql.Conn
	kept map[string]*sql.Stmt
}

func (t *sqliteTx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := t.kept[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	t.kept[query] = s
	return s, nil
}

func (t *sqliteTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := t.prepare(ctx, query) //nolint:sqlclosecheck // kept
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...) //nolint:wrapcheck // stands in for sql.Tx
}

func (t *sqliteTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := t.prepare(ctx, query) //nolint:sqlclosecheck // kept
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...) //nolint:wrapcheck // stands in for sql.Tx
}

func (t *sqliteTx) QueryRowContext(ctx context.Context, query string, args ...any) Row {
	ctx = context.WithoutCancel(ctx)
	s, err := t.prepare(ctx, query) //nolint:sqlclosecheck // kept
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(ctx, args...)
}
