package main

import (
	"context"
	"fmt"

	"sluice/sqldb"
)

type migrateCmd struct {
	URL string `help:"PostgreSQL, as the owner of the database." required:"" env:"SLUICE_DATABASE_OWNER_URL" placeholder:"postgres://…"`
}

func (c *migrateCmd) Help() string {
	return `Brings the schema of a PostgreSQL database up to date, and makes the role
sluice_gateway. Log gateways in as a member of that role: it may add to history
and not change it. SQLite is migrated by "sluice serve" itself.

Examples:
  SLUICE_DATABASE_OWNER_URL=postgres://owner@db.example/sluice sluice migrate
  psql -c "CREATE ROLE gateway LOGIN PASSWORD '…' IN ROLE sluice_gateway"`
}

// Run migrates.
func (c *migrateCmd) Run(ctx context.Context) error {
	if err := sqldb.Migrate(ctx, c.URL); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	fmt.Println("the schema is up to date")
	return nil
}
