package feeddb_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

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
		s := feeddb.NewWithClock(db, func() time.Time { return time.UnixMilli(1000 + 1 + 60_000) })
		plan := planOf(t, db, explain+s.SelectBacklog(), []any{"p1", 10, nil})
		if whole.MatchString(plan) || strings.Contains(plan, "USE TEMP B-TREE") {
			t.Errorf("a whole table is read or sorted:\n%s", plan)
		}
		b, err := s.Backlog(t.Context(), "p1")
		if err != nil || b.Waiting != 2000 || b.Age != time.Minute || b.PutAside != 0 {
			t.Errorf("Backlog = %+v, %v", b, err)
		}
	})
}
