package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"syscall"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver named "sqlite"
)

// readers bounds the connections that read at once.
const readers = 8

//go:embed migrations/*.sql
var migrations embed.FS

// ErrInUse means that another process has the database open.
var ErrInUse = errors.New("database is in use by another process")

// DB is an open database. It may be used by many goroutines.
type DB struct {
	lock   *os.File
	pools  []*sql.DB
	reader *Reader
	writer *Writer       // the only one
	turn   chan struct{} // holds one token: whose turn it is to write
}

// Open opens the SQLite database at path, making it if it is not there, and
// brings its schema up to date.
func Open(ctx context.Context, path string) (*DB, error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	db := &DB{lock: lock, turn: make(chan struct{}, 1)}
	if err := db.open(ctx, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.turn <- struct{}{}
	return db, nil
}

func (db *DB) open(ctx context.Context, path string) error {
	pool, err := db.pool(dsn(path, "_txlock=immediate"), 1)
	if err != nil {
		return err
	}
	if err := migrate(ctx, pool); err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.writer = &Writer{conn: conn, kept: map[string]*sql.Stmt{}}
	if pool, err = db.pool(dsn(path, "_pragma=query_only(1)"), readers); err != nil {
		return err
	}
	db.reader = &Reader{pool: pool}
	return nil
}

func (db *DB) pool(dsn string, connections int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	db.pools = append(db.pools, pool)
	return pool, nil
}

func dsn(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + more
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
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

// Reader reads committed data. It can't write.
func (db *DB) Reader() *Reader { return db.reader }

// Write runs f when it is its turn to write, alone.
func (db *DB) Write(ctx context.Context, f func(*Writer) error) error {
	select {
	case <-db.turn:
	case <-ctx.Done():
		return fmt.Errorf("wait to write: %w", ctx.Err())
	}
	defer func() { db.turn <- struct{}{} }()
	return f(db.writer)
}

// Transact runs f in one transaction, which is durable when Transact returns
// nil, and undone when f fails. After any other error it may have happened.
func (db *DB) Transact(ctx context.Context, f func(*sql.Tx) error) error {
	return db.Write(ctx, func(w *Writer) error {
		tx, err := w.conn.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		if err := f(tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	})
}

// Close lets go of the database.
func (db *DB) Close() error {
	var errs []error
	if db.writer != nil {
		errs = append(errs, db.writer.conn.Close())
	}
	for _, pool := range db.pools {
		errs = append(errs, pool.Close())
	}
	return errors.Join(append(errs, db.lock.Close())...)
}
