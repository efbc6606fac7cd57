package feeddb_test

import (
	"regexp"
	"strings"
	"testing"

	"sluice/feed/feeddb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

// Operators look every few seconds: of others' deliveries no row is read, and
// for the oldest one row of each shard.
func TestALookAtABacklogReadsThePartnersOwnAlone(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		fill(t, db, 2000)
		explain, whole := `EXPLAIN QUERY PLAN `, regexp.MustCompile(`SCAN [wsdp]\b`)
		if db.Engine() == sqldb.Postgres {
			explain, whole = `EXPLAIN `, regexp.MustCompile(`Seq Scan on`)
		}
		plan := planOf(t, db, explain+feeddb.SelectBacklog, []any{"p1", 10})
		if whole.MatchString(plan) || strings.Contains(plan, "USE TEMP B-TREE") {
			t.Errorf("a whole table is read or sorted:\n%s", plan)
		}
		b, err := feeddb.New(db, nil).Backlog(t.Context(), "p1")
		if err != nil || b.Waiting != 2000 || b.Oldest.UnixMilli() != 1000+1 || b.PutAside != 0 {
			t.Errorf("Backlog = %+v, %v", b, err)
		}
	})
}
