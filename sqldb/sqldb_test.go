package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"sluice/sqldb"
)

func TestASecondOpeningIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & sign?.db")
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqldb.Open(t.Context(), path); !errors.Is(err, sqldb.ErrInUse) {
		t.Errorf("second Open = %v, want ErrInUse", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sqldb.Open(t.Context(), path); err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestCommittedMeansOnDisk(t *testing.T) {
	db := open(t)
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
		err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
			var got string
			if err := tx.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
				return err
			}
			if got != want {
				t.Errorf("%s = %s, want %s", pragma, got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReaderCanNotWrite(t *testing.T) {
	db := open(t)
	var kind string
	err := db.Reader().QueryRowContext(t.Context(),
		`INSERT INTO change_head (shard, pos) VALUES (1, 1) RETURNING pos`).Scan(&kind)
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the reader wrote: %v", err)
	}
}

func TestQueryThatIsNoneIsAnError(t *testing.T) {
	db := open(t)
	if err := db.Reader().QueryRowContext(t.Context(), `SELECT nothing`).Scan(new(string)); err == nil {
		t.Error("a row was read")
	}
	rows, err := db.Reader().QueryContext(t.Context(), `SELECT nothing`)
	if err == nil {
		defer rows.Close()
		t.Error("rows were read", rows.Err())
	}
	err = db.Transact(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DO nothing`)
		return err
	})
	if err == nil {
		t.Error("it was executed")
	}
}

func TestFailedTransactionLeavesNothing(t *testing.T) {
	db := open(t)
	broken := errors.New("broken")
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(t.Context(), `INSERT INTO change_head (shard, pos) VALUES (1, 1)`); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("Transact = %v", err)
	}
	var n int
	if err := db.Reader().QueryRowContext(t.Context(), `SELECT count(*) FROM change_head`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows, %v, want none", n, err)
	}
}

func TestWaitingToWriteEndsWithItsContext(t *testing.T) {
	db := open(t)
	err := db.Transact(t.Context(), func(sqldb.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return db.Transact(ctx, func(sqldb.Tx) error { return nil })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Transact = %v, want DeadlineExceeded", err)
	}
	if err := db.Transact(t.Context(), func(sqldb.Tx) error { return nil }); err != nil {
		t.Errorf("the turn was lost: %v", err)
	}
}

func open(t *testing.T) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
