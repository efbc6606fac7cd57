package logdb

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/mutant"
	"sluice/sqldb"
)

// insertFenced is the fence: it inserts the entry if the grant is still as the
// entry says. What it inserts about the parties comes from the grant row, so an
// entry can't name others. %s is the database's clock; $13 stands in for it in
// tests of time.
const insertFenced = `
INSERT INTO disclosures (id, consent_id, revision, partner, bank, customer, shard, method, accounts, clusters,
                         purpose, unattended, counted, continues, items, policy_revision, request_id, boot, day, at)
SELECT $1, g.consent_id, g.version, g.partner, g.bank, g.customer, g.shard, $2, $3, CAST($4 AS BIGINT),
       $5, CAST($6 AS BIGINT), CAST($7 AS BIGINT), $8, CAST($9 AS BIGINT), $10, $11, $12, t.now / 86400000, t.now
FROM grants g
JOIN parties p ON p.kind = 'partner' AND p.id = g.partner AND p.standing = 'ACTIVE'
JOIN parties b ON b.kind = 'bank' AND b.id = g.bank AND b.standing = 'ACTIVE'
CROSS JOIN (SELECT coalesce(CAST($13 AS BIGINT), %s) AS now) t
WHERE g.consent_id = $14
  AND g.version = CAST($15 AS BIGINT)
  AND g.digest = $16
  AND g.status = 'ACTIVE'
  AND g.valid_until > t.now
  AND (CAST($7 AS BIGINT) = 0
       OR (SELECT count(*) FROM disclosures d
           WHERE d.consent_id = g.consent_id AND d.day = t.now / 86400000 AND d.counted = 1) < g.unattended_per_day)
  AND (CAST($7 AS BIGINT) = 1 OR CAST($6 AS BIGINT) = 0 OR CAST($18 AS BIGINT) = 1
       OR EXISTS (SELECT 1 FROM disclosures d
                  WHERE d.id = $8 AND d.consent_id = g.consent_id AND d.day = t.now / 86400000 AND d.counted = 1))
  AND (g.one_time = 0
       OR NOT EXISTS (SELECT 1 FROM disclosures d WHERE d.consent_id = g.consent_id AND d.at <= t.now - CAST($17 AS BIGINT)))
RETURNING seq, at`

const (
	// lockParties keeps standings as they are until the commit; who changes one
	// takes the table exclusively and so waits for its turn, which is fair.
	lockParties = `LOCK TABLE parties IN ROW SHARE MODE`
	// lockGrants keeps the grants as they are until the commit, in one order, so
	// that batches can't wait for each other in a circle. The mode is the one an
	// UPDATE of a grant takes, so both stand in the same queue: with FOR SHARE a
	// stream of releases would keep a revoke out for seconds; without a lock, or
	// with FOR KEY SHARE, a record could be committed after the revoke.
	lockGrants = `SELECT consent_id FROM grants WHERE consent_id = ANY($1) ORDER BY consent_id FOR NO KEY UPDATE`
	// boundLocks keeps one grant that is held long from holding up the others.
	boundLocks = `SET LOCAL lock_timeout = '150ms'`
)

// locks are the statements that come before the inserts. SQLite has one writer,
// which nobody overtakes.
func (l *Log) locks(batch []*pending) []*sqldb.Statement {
	if l.db.Engine() == sqldb.SQLite || mutant.Is(mutant.NoLock) {
		return nil
	}
	ids := make([]string, len(batch))
	for i, p := range batch {
		ids[i] = string(p.entry.Grant.ID())
	}
	slices.Sort(ids)
	grants := lockGrants
	switch {
	case mutant.Is(mutant.ForKeyShare):
		grants = strings.Replace(grants, "NO KEY UPDATE", "KEY SHARE", 1)
	case mutant.Is(mutant.ForShare):
		grants = strings.Replace(grants, "NO KEY UPDATE", "SHARE", 1)
	}
	return []*sqldb.Statement{
		{Text: boundLocks},
		{Text: lockParties},
		{Text: grants, Args: []any{slices.Compact(ids)}},
	}
}

// insert is the fence for one entry. Its answer goes to p.
func (l *Log) insert(p *pending) (*sqldb.Statement, error) {
	e := p.entry
	accounts, err := json.Marshal(e.Accounts)
	if err != nil {
		return nil, fmt.Errorf("encode accounts: %w", err)
	}
	digest := e.Grant.Digest()
	return &sqldb.Statement{
		Text: l.fence,
		Args: []any{
			string(p.id), e.Method, string(accounts), int64(e.Clusters), consent.PurposeName(e.Purpose),
			sqldb.Bool(e.Unattended), sqldb.Bool(e.Unattended && e.Continues == "" && !e.Pushed), string(e.Continues), e.Items,
			e.PolicyRevision, e.RequestID, l.boot, l.moment(),
			string(e.Grant.ID()), e.Grant.Revision(), digest[:], disclosure.OneTimeSitting.Milliseconds(),
			sqldb.Bool(e.Pushed),
		},
		Into: []any{&p.seq, &p.at},
	}, nil
}

// fenceOf is the fence in the words of the database's engine.
func fenceOf(db *sqldb.DB) string {
	fence := fmt.Sprintf(insertFenced, db.Clock())
	for fault, condition := range map[mutant.Fault]string{
		mutant.NoVersion:  "g.version = CAST($15 AS BIGINT)\n  AND g.digest = $16",
		mutant.NoExpiry:   "g.valid_until > t.now",
		mutant.NoStanding: "p.standing = 'ACTIVE'",
	} {
		if mutant.Is(fault) {
			fence = strings.Replace(fence, condition, "(true OR ("+condition+"))", 1)
		}
	}
	return fence
}

// moment is null where the database's own clock counts.
func (l *Log) moment() sql.NullInt64 {
	if l.now == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: l.now().UnixMilli(), Valid: true}
}
