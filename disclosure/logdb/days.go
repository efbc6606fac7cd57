package logdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/sqldb"
)

// left is true of a release that was not withheld after all.
const left = `NOT EXISTS (SELECT 1 FROM disclosure_outcomes o WHERE o.id = d.id AND o.outcome = 'WITHHELD')`

// selectDays reads a range of disclosures_lately: moments, of which a day is a
// part. An event is what is unattended, begins no access and continues none.
const selectDays = `
SELECT d.day, count(*), CAST(sum(d.unattended) AS BIGINT),
       CAST(sum(CASE WHEN d.unattended = 1 AND d.counted = 0 AND d.continues = '' THEN 1 ELSE 0 END) AS BIGINT)
FROM disclosures d
WHERE d.consent_id = $1 AND d.at >= CAST($2 AS BIGINT) AND d.at < CAST($3 AS BIGINT) AND ` + left + `
GROUP BY d.day ORDER BY d.day`

// Days counts a consent's releases from a day to another, both included. Days
// without any are left out.
func (l *Log) Days(ctx context.Context, id consent.ID, from, to consent.Day) ([]disclosure.DayCount, error) {
	rows, err := l.db.Reader().QueryContext(ctx, selectDays, string(id), from.Start().UnixMilli(), to.Start().AddDate(0, 0, 1).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count releases: %w", err)
	}
	defer rows.Close()
	var out []disclosure.DayCount
	for rows.Next() {
		var d disclosure.DayCount
		if err := rows.Scan(&d.Day, &d.Releases, &d.Unattended, &d.Events); err != nil {
			return nil, fmt.Errorf("count releases: %w", err)
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count releases: %w", err)
	}
	return out, nil
}

// selectLast goes back from the newest record of each consent to one that left.
// %s are the consents; the engines read a list in different words.
const selectLast = `
SELECT asked.value, (SELECT d.at FROM disclosures d WHERE d.consent_id = asked.value AND ` + left + ` ORDER BY d.seq DESC LIMIT 1)
FROM %s`

// lastOf is selectLast in the words of the database's engine.
func lastOf(db *sqldb.DB) string {
	if db.Engine() == sqldb.Postgres {
		return fmt.Sprintf(selectLast, `json_array_elements_text(CAST($1 AS json)) AS asked(value)`)
	}
	return fmt.Sprintf(selectLast, `json_each($1) AS asked`)
}

// LastRelease is when data was last released under each of some consents. Those
// under which none was are left out.
func (l *Log) LastRelease(ctx context.Context, ids ...consent.ID) (map[consent.ID]time.Time, error) {
	out := make(map[consent.ID]time.Time, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	asked, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("read last releases: %w", err)
	}
	rows, err := l.db.Reader().QueryContext(ctx, l.last, string(asked))
	if err != nil {
		return nil, fmt.Errorf("read last releases: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			id consent.ID
			at *int64
		)
		if err := rows.Scan(&id, &at); err != nil {
			return nil, fmt.Errorf("read last releases: %w", err)
		}
		if at != nil {
			out[id] = time.UnixMilli(*at).UTC()
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read last releases: %w", err)
	}
	return out, nil
}
