package sqldb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

func TestAServerThatCanNotKeepThePromiseIsRefused(t *testing.T) {
	url := sqldbtest.Create(t)
	for _, tt := range []struct {
		name, options string
		single        bool
		says          string
	}{
		{"no standby, and nobody said so", "", false, "durability: single-node"},
		{"commits are not waited for", "-c synchronous_commit=off", true, "synchronous_commit is off"},
		{"commits are not waited for by the standby", "-c synchronous_commit=local", false, "synchronous_commit is local"},
		{"read-only, as a standby is", "-c default_transaction_read_only=on", true, "read-only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: with(url, tt.options), SingleNode: tt.single})
			if !errors.Is(err, sqldb.ErrUnfit) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("OpenPostgres = %v, want ErrUnfit that says %q", err, tt.says)
			}
		})
	}
	db, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: with(url, "-c default_transaction_isolation=serializable"), SingleNode: true})
	if err != nil {
		t.Fatalf("OpenPostgres = %v", err)
	}
	defer db.Close()
	var isolation string
	if err := db.Reader().QueryRowContext(t.Context(), `SELECT current_setting('transaction_isolation')`).Scan(&isolation); err != nil || isolation != "read committed" {
		t.Errorf("transactions are %q, %v, whatever the URL says", isolation, err)
	}
}

func with(url, options string) string {
	if options == "" {
		return url
	}
	return url + "&options=" + strings.NewReplacer(" ", "%20", "=", "%3D").Replace(options)
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	owner := sqldbtest.CreateAsOwner(t)
	if err := sqldb.Migrate(t.Context(), owner); err != nil {
		t.Errorf("migrating again: %v", err)
	}
	server := sqldbtest.URL(t) // has no tables of ours
	if _, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: server, SingleNode: true}); !errors.Is(err, sqldb.ErrSchema) {
		t.Errorf("OpenPostgres = %v, want ErrSchema", err)
	}
}

func TestAPasswordDoesNotComeBackInAnError(t *testing.T) {
	_, err := sqldb.OpenPostgres(t.Context(), sqldb.PostgresConfig{URL: "postgres://sluice:hunter2@127.0.0.1:notaport/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

func TestAGatewayCanNotChangeHistoryOrTheSchema(t *testing.T) {
	db := sqldbtest.Postgres(t)
	for _, statement := range []string{
		`UPDATE disclosures SET items = 0`, `DELETE FROM disclosures`, `TRUNCATE disclosures`,
		`UPDATE consent_revisions SET why = ''`, `DELETE FROM consent_revisions`,
		`UPDATE grant_changes SET version = 1`, `DELETE FROM grant_changes`,
		`UPDATE disclosure_outcomes SET outcome = 'LATE'`, `DELETE FROM disclosure_outcomes`,
		`UPDATE signing_keys SET public_key = ''`, `UPDATE signing_keys SET made_at = 0`, `DELETE FROM signing_keys`,
		`UPDATE replay_uses SET kept_until = 0`, `UPDATE co_holders SET customer = ''`, `DELETE FROM co_holders`,
		`DELETE FROM grants`, `DELETE FROM parties`, `UPDATE meta SET incarnation = 'x'`,
		`DROP TABLE disclosures`, `ALTER TABLE disclosures DISABLE TRIGGER ALL`, `CREATE TABLE x (y TEXT)`,
	} {
		err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
			t.Errorf("%s = %v, want permission denied", statement, err)
		}
	}
}

func TestABatchIsAllOrNothing(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		head := func(shard int64, into *int64) *sqldb.Statement {
			return &sqldb.Statement{Text: `INSERT INTO change_head (shard, pos) VALUES ($1, 7) RETURNING pos`, Args: []any{shard}, Into: []any{into}}
		}
		var a, b int64
		if err := db.Batch(t.Context(), []*sqldb.Statement{head(1, &a), head(1, &b)}); err == nil {
			t.Error("the second one broke a key and was taken")
		}
		none := &sqldb.Statement{Text: `SELECT pos FROM change_head WHERE shard = $1`, Args: []any{int64(9)}, Into: []any{&b}}
		if err := db.Batch(t.Context(), []*sqldb.Statement{head(1, &a), none}); err != nil || a != 7 || none.Found {
			t.Errorf("Batch = %v, read %d, found %v", err, a, none.Found)
		}
		for range 20 { // the connection is good for more
			if err := db.Batch(t.Context(), []*sqldb.Statement{head(1, &a)}); err == nil || errors.Is(err, sqldb.ErrOutcomeUnknown) {
				t.Errorf("a broken key = %v, want an error whose outcome is known", err)
			}
		}
	})
}

// A connection that breaks while a commit is under way leaves everybody in doubt.
func TestABrokenCommitIsOfUnknownOutcome(t *testing.T) {
	db := sqldbtest.PostgresWith(t,
		`CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER break AFTER INSERT ON change_head DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break()`)
	insert := &sqldb.Statement{Text: `INSERT INTO change_head (shard, pos) VALUES (1, 1)`}
	err := db.Transact(t.Context(), func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(t.Context(), insert.Text)
		return err
	})
	if !errors.Is(err, sqldb.ErrOutcomeUnknown) {
		t.Errorf("Transact = %v, want ErrOutcomeUnknown", err)
	}
	if err := db.Batch(t.Context(), []*sqldb.Statement{insert}); !errors.Is(err, sqldb.ErrOutcomeUnknown) {
		t.Errorf("Batch = %v, want ErrOutcomeUnknown", err)
	}
	if _, err := db.Incarnation(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestARowThatIsHeldIsSaidToBe(t *testing.T) {
	db := sqldbtest.Postgres(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := db.Transact(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `LOCK TABLE parties IN EXCLUSIVE MODE`); err != nil {
			return err
		}
		err := db.Batch(ctx, []*sqldb.Statement{{Text: `SET LOCAL lock_timeout = '20ms'`}, {Text: `LOCK TABLE parties IN ROW SHARE MODE`}})
		if !errors.Is(err, sqldb.ErrLocked) {
			t.Errorf("Batch = %v, want ErrLocked", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
