package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// ErrSchema means that the database's schema is not this program's.
var ErrSchema = errors.New(`the schema is not this program's; run "sluice migrate" as the owner of the database`)

func provider(pool *sql.DB, dialect goose.Dialect) (*goose.Provider, error) {
	folder, options := "migrations/sqlite", []goose.ProviderOption(nil)
	if dialect == goose.DialectPostgres {
		one, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("lock migrations: %w", err)
		}
		folder, options = "migrations/postgres", append(options, goose.WithSessionLocker(one))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

func migrate(ctx context.Context, pool *sql.DB, dialect goose.Dialect) error {
	p, err := provider(pool, dialect)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// Migrate brings the schema of a PostgreSQL database up to date, as its owner.
// Migrations of several processes wait for each other, and may take their time.
func Migrate(ctx context.Context, ownerURL string) error {
	pool, err := connect(ownerURL, nil)
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, pool, goose.DialectPostgres), pool.Close())
}

// migrated says whether the schema is the one this program knows.
func migrated(ctx context.Context, pool *sql.DB) error {
	p, err := provider(pool, goose.DialectPostgres)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	want := sources[len(sources)-1].Version
	var have int64
	row := pool.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`)
	if err := row.Scan(&have); err != nil {
		return fmt.Errorf("%w: %w", ErrSchema, err)
	}
	if have != want {
		return fmt.Errorf("%w: it is at %d, not %d", ErrSchema, have, want)
	}
	return nil
}
