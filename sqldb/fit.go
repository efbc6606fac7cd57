package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrUnfit means that a PostgreSQL server can't keep the gateway's promise.
var ErrUnfit = errors.New("the database can't keep the promise")

// fit refuses a server that may lose what it acknowledged, or that is not the
// one whose locks count.
func fit(ctx context.Context, pool *sql.DB, singleNode bool) error {
	var (
		standby, readOnly                                    bool
		fsync, fullPages, commit, isolation, synchronousWith string
	)
	row := pool.QueryRowContext(ctx, `
SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
       current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
       current_setting('transaction_isolation'), current_setting('synchronous_standby_names')`)
	if err := row.Scan(&standby, &readOnly, &fsync, &fullPages, &commit, &isolation, &synchronousWith); err != nil {
		return fmt.Errorf("ask the database for its settings: %w", err)
	}
	var faults []error
	refuse := func(unfit bool, why string) {
		if unfit {
			faults = append(faults, fmt.Errorf("%w: %s", ErrUnfit, why))
		}
	}
	refuse(standby, "it is a standby, where grants lag behind the truth")
	refuse(readOnly, "it is read-only")
	refuse(fsync != "on", "fsync is "+fsync+": a loss of power would undo revokes that were acknowledged")
	refuse(fullPages != "on", "full_page_writes is "+fullPages+": a loss of power could tear what was acknowledged")
	refuse(isolation != "read committed", "transactions are "+isolation+", not read committed, and would decide on old grants")
	switch {
	case singleNode:
		refuse(commit == "off", "synchronous_commit is off: a crash would undo revokes that were acknowledged")
	default:
		refuse(commit != "on" && commit != "remote_apply",
			"synchronous_commit is "+commit+": a server that takes over might not have what was acknowledged")
		refuse(synchronousWith == "",
			"synchronous_standby_names is empty: a server that takes over might not have what was acknowledged; "+
				"if there is none, state durability: single-node")
	}
	return errors.Join(faults...)
}
