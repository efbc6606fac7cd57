package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Engine is what keeps the database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// ErrOutcomeUnknown means that a transaction may or may not have been
// committed, e.g. because the connection broke while it was.
var ErrOutcomeUnknown = errors.New("outcome of the transaction is unknown")

// ErrLocked means that somebody else held a row for too long.
var ErrLocked = errors.New("somebody else holds the row")

// ErrTaken means that a row with the same key is there.
var ErrTaken = errors.New("the key is taken")

// ErrNoRow means that a statement that must answer a row answered none.
var ErrNoRow = errors.New("no row")

// DB is an open database. It may be used by many goroutines.
type DB struct {
	engine engine
	reader *Reader
}

// engine is what differs between the two databases.
type engine interface {
	name() Engine
	clock() string
	rows() string
	transact(ctx context.Context, f func(Tx) error) error
	batch(ctx context.Context, statements []*Statement) error
	close() error
}

// Tx is a transaction under way. Statement texts must be few: they are prepared
// once and kept.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Statement is one of a batch. It answers at most one row.
type Statement struct {
	Text  string
	Args  []any
	Into  []any // where the row's columns go; nil if it answers none
	Must  bool  // undo the batch, with ErrNoRow, if it answers none; Into is not filled
	Found bool  // whether there was a row
}

// Engine says what keeps the database.
func (db *DB) Engine() Engine { return db.engine.name() }

// Clock is the SQL expression for the database's own clock, in milliseconds.
// It is read when the expression is, not when the transaction began.
func (db *DB) Clock() string { return db.engine.clock() }

// Rows puts the elements of a JSON list, the statement's $1, in the place of
// {rows}: a table r with a column value, whose members r.value ->> 'name' reads.
func (db *DB) Rows(text string) string { return strings.ReplaceAll(text, "{rows}", db.engine.rows()) }

// Reader reads committed data. It can't write.
func (db *DB) Reader() *Reader { return db.reader }

// Transact runs f in one transaction, which is durable when Transact returns
// nil, and undone when f fails. After ErrOutcomeUnknown it may have happened.
func (db *DB) Transact(ctx context.Context, f func(Tx) error) error {
	return db.engine.transact(ctx, f)
}

// Batch runs the statements in order and in one transaction, with one round
// trip where the engine can, and with Transact's promises. In PostgreSQL each
// statement sees what was committed before it began, not before the batch did.
func (db *DB) Batch(ctx context.Context, statements []*Statement) error {
	return db.engine.batch(ctx, statements)
}

// Incarnation names this database; a copy that was restored has another.
func (db *DB) Incarnation(ctx context.Context) (string, error) {
	var name string
	if err := db.reader.QueryRowContext(ctx, `SELECT incarnation FROM meta`).Scan(&name); err != nil {
		return "", fmt.Errorf("read incarnation: %w", err)
	}
	return name, nil
}

// Mark keeps a mark in a database that has none, and answers the one it has.
func (db *DB) Mark(ctx context.Context, mark string) (string, error) {
	err := db.Transact(ctx, func(tx Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET mark = $1 WHERE mark = ''`, mark); err != nil {
			return fmt.Errorf("keep mark: %w", err)
		}
		if err := tx.QueryRowContext(ctx, `SELECT mark FROM meta`).Scan(&mark); err != nil {
			return fmt.Errorf("read mark: %w", err)
		}
		return nil
	})
	return mark, err
}

// Close lets go of the database.
func (db *DB) Close() error { return db.engine.close() }

// Bool is a truth value as it stands in a column.
func Bool(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
