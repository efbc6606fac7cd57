package grantdb_test

import (
	"database/sql"
	"testing"

	"sluice/sqldb"
)

func exec(t *testing.T, db *sqldb.DB, statement string) error {
	t.Helper()
	return db.Write(t.Context(), func(conn *sql.Conn) error {
		_, err := conn.ExecContext(t.Context(), statement)
		return err
	})
}
