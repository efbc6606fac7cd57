package grantdb_test

import (
	"testing"

	"sluice/sqldb"
)

func exec(t *testing.T, db *sqldb.DB, statement string) error {
	t.Helper()
	return db.Write(t.Context(), func(w *sqldb.Writer) error {
		_, err := w.ExecContext(t.Context(), statement)
		return err
	})
}
