package grantdb

import (
	"context"
	"fmt"
	"time"

	"sluice/consent"
	"sluice/sqldb"
)

const insertCoHolder = `
INSERT INTO co_holders (bank, customer, consent_id) VALUES ($1, $2, $3)
ON CONFLICT (bank, customer, consent_id) DO NOTHING`

// coHolders makes a consent known to those who may see it as co-holders.
func coHolders(c consent.Consent) []*sqldb.Statement {
	if c.Hidden {
		return nil
	}
	out := make([]*sqldb.Statement, len(c.CoHolders))
	for i, holder := range c.CoHolders {
		out[i] = &sqldb.Statement{Text: insertCoHolder, Args: []any{string(c.Bank), string(holder), string(c.ID)}}
	}
	return out
}

const (
	ofPartner  = `WHERE g.partner = $1 `
	ofBank     = `WHERE g.bank = $1 `
	ofCustomer = `WHERE g.bank = $1 AND g.customer = $2 `
	ofCoHolder = `
JOIN co_holders h ON h.consent_id = g.consent_id
WHERE h.bank = $1 AND h.customer = $2 `

	notEnded = `AND g.status IN ('PENDING', 'PARTIALLY_AUTHORIZED', 'ACTIVE', 'PAUSED', 'SUSPENDED') `
	before   = `
AND (g.created_at, g.consent_id) < (SELECT b.created_at, b.consent_id FROM grants b WHERE b.consent_id = $%d) `
	newestFirst = `ORDER BY g.created_at DESC, g.consent_id DESC LIMIT $%d`
)

// listing is the statement for a query, one of sixteen, and its arguments.
func listing(q consent.Query) (string, []any) {
	var (
		text string
		args []any
	)
	switch {
	case q.Partner != "":
		text, args = ofPartner, []any{string(q.Partner)}
	case q.Customer != "":
		text, args = ofCustomer, []any{string(q.Bank), string(q.Customer)}
	case q.CoHolder != "":
		text, args = ofCoHolder, []any{string(q.Bank), string(q.CoHolder)}
	default:
		text, args = ofBank, []any{string(q.Bank)}
	}
	if q.LiveOnly {
		text += notEnded
	}
	if q.Before != "" {
		args = append(args, string(q.Before))
		text += fmt.Sprintf(before, len(args))
	}
	args = append(args, q.Limit)
	return selectNewest + text + fmt.Sprintf(newestFirst, len(args)), args
}

// List reads newest revisions.
func (s *Store) List(ctx context.Context, q consent.Query) ([]consent.Consent, error) {
	query, args := listing(q)
	rows, err := s.db.Reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	defer rows.Close()
	var out []consent.Consent
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list consents: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return out, nil
}

const countWaiting = `
SELECT count(*) FROM (
    SELECT 1 AS one FROM grants WHERE partner = $1 AND created_at > $2 AND status = 'PENDING' LIMIT $3
) AS waiting`

// Waiting counts a partner's requests that nobody has answered.
func (s *Store) Waiting(ctx context.Context, partner consent.PartnerID, since time.Time, most int) (int, error) {
	var n int
	if err := s.db.Reader().QueryRowContext(ctx, countWaiting, string(partner), since.UnixMilli(), most).Scan(&n); err != nil {
		return 0, fmt.Errorf("count requests: %w", err)
	}
	return n, nil
}
