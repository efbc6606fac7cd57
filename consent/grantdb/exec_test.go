package grantdb_test

import (
	"testing"

	"sluice/sqldb"
)

func exec(t *testing.T, db *sqldb.DB, statement string) error {
	t.Helper()
	return db.Transact(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), statement)
		return err
	})
}
