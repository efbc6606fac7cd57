package sqldbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"sluice/sqldb"
)

// Open makes an empty database, which ends with the test.
type Open func(t testing.TB) *sqldb.DB

// Engines runs a test on each engine.
func Engines(t *testing.T, test func(t *testing.T, open Open)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite) })
	t.Run("postgres", func(t *testing.T) {
		URL(t)
		test(t, Postgres)
	})
}

// SQLite makes an empty SQLite database.
func SQLite(t testing.TB) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Postgres makes an empty PostgreSQL database, opened with a gateway's rights.
func Postgres(t testing.TB) *sqldb.DB { return PostgresWith(t) }

// PostgresWith is Postgres after its owner has executed statements.
func PostgresWith(t testing.TB, statements ...string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: Create(t, statements...), SingleNode: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// URL is the test server's, as its superuser.
func URL(t testing.TB) string {
	t.Helper()
	u := os.Getenv("SLUICE_TEST_POSTGRES")
	switch {
	case u == "" && os.Getenv("SLUICE_TEST_ALL") != "":
		t.Fatal("SLUICE_TEST_POSTGRES names no server")
	case u == "":
		t.Skip("SLUICE_TEST_POSTGRES names no server; deploy/services.sh up starts one")
	}
	return u
}

// Create makes an empty database and answers its URL, as a user who has a
// gateway's rights and no others.
func Create(t testing.TB, statements ...string) string {
	t.Helper()
	owner := CreateAsOwner(t)
	for _, s := range statements {
		exec(t, owner, s)
	}
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	// One user for all: roles belong to the server, not to a database.
	exec(t, owner, `DO $$ BEGIN
		CREATE ROLE sluice_test LOGIN PASSWORD 'sluice' IN ROLE sluice_gateway;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
	u.User = url.UserPassword("sluice_test", "sluice")
	return u.String()
}

// CreateAsOwner is Create with the rights of the database's owner.
func CreateAsOwner(t testing.TB) string {
	t.Helper()
	server := URL(t)
	name := "test_" + strings.ToLower(rand.Text())
	exec(t, server, `CREATE DATABASE `+name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		run(ctx, t, server, `DROP DATABASE `+name+` WITH (FORCE)`)
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	if err := sqldb.Migrate(t.Context(), u.String()); err != nil {
		t.Fatal(err)
	}
	return u.String()
}

func exec(t testing.TB, url, statement string) {
	t.Helper()
	run(t.Context(), t, url, statement)
}

func run(ctx context.Context, t testing.TB, url, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Errorf("%s: %v", fmt.Sprintf("%.40s", statement), err)
	}
}
