package grantdb

import (
	"context"
	"fmt"

	"sluice/consent"
)

const selectSharers = `
SELECT DISTINCT g.customer FROM shared_accounts s JOIN grants g ON g.consent_id = s.consent_id
WHERE s.bank = $1 AND s.account = $2 ORDER BY g.customer`

// Sharers are the customers whose live consents share a bank's account.
func (s *Store) Sharers(ctx context.Context, bank consent.BankID, account consent.AccountID) ([]consent.CustomerID, error) {
	rows, err := s.db.Reader().QueryContext(ctx, selectSharers, string(bank), string(account))
	if err != nil {
		return nil, fmt.Errorf("list who shares an account: %w", err)
	}
	defer rows.Close()
	var out []consent.CustomerID
	for rows.Next() {
		var c consent.CustomerID
		if err := rows.Scan(&c); err != nil {
			return nil, fmt.Errorf("list who shares an account: %w", err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list who shares an account: %w", err)
	}
	return out, nil
}
