package grantdb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"sluice/consent"
	"sluice/sqldb"
)

// mendAtOnce is how many consents are looked at in one go.
const mendAtOnce = 5000

const (
	endOfGrants = `
SELECT coalesce(max(consent_id), '') FROM (
    SELECT consent_id FROM grants WHERE consent_id > $1 ORDER BY consent_id LIMIT $2) AS next`
	torn = `(
    EXISTS (SELECT 1 FROM shared_accounts s WHERE s.consent_id = g.consent_id
            AND (s.revision <> g.version OR g.status NOT IN ('ACTIVE', 'PAUSED', 'SUSPENDED')))
    OR g.status IN ('ACTIVE', 'PAUSED', 'SUSPENDED')
       AND NOT EXISTS (SELECT 1 FROM shared_accounts s WHERE s.consent_id = g.consent_id))`
	selectTorn = `
SELECT g.consent_id FROM grants g
WHERE g.consent_id > $1 AND g.consent_id <= $2 AND ` + torn + `
ORDER BY g.consent_id`
	holdGrant = `UPDATE grants SET look_at = look_at WHERE consent_id = $1 AND version = $2 RETURNING version`
	// Its own statement, to see what was committed while the grant was waited for.
	stillTorn = `SELECT g.version FROM grants g WHERE g.consent_id = $1 AND ` + torn
)

// Mending finds consents that a replica of before feeds changed, while it was
// still at work, and makes feeds know of them. It goes round all consents, a part
// of them at a time.
type Mending struct {
	store *Store
	mu    sync.Mutex
	after string
}

// NewMending mends what store keeps.
func NewMending(store *Store) *Mending { return &Mending{store: store} }

// Next looks at the next consents, and says how many it mended. Only if there
// are any does it write.
func (m *Mending) Next(ctx context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var end string
	if err := m.store.db.Reader().QueryRowContext(ctx, endOfGrants, m.after, mendAtOnce).Scan(&end); err != nil {
		return 0, fmt.Errorf("mend shares: %w", err)
	}
	if end == "" { // all round
		m.after = ""
		return 0, nil
	}
	torn, err := m.store.ids(ctx, selectTorn, m.after, end)
	if err != nil {
		return 0, fmt.Errorf("mend shares: %w", err)
	}
	mended, faults := 0, []error(nil)
	for _, id := range torn {
		ok, err := m.store.mend(ctx, id)
		if err != nil { // it must not stop the others
			faults = append(faults, fmt.Errorf("mend shares of %s: %w", id, err))
		}
		if ok {
			mended++
		}
	}
	m.after = end
	return mended, errors.Join(faults...)
}

// mend says of a consent what its last change should have. One that changes
// meanwhile says it itself, and what another replica has mended was said.
func (s *Store) mend(ctx context.Context, id consent.ID) (bool, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return false, err
	}
	shared, err := s.shared(c, consent.Change{At: c.ChangedAt})
	if err != nil {
		return false, err
	}
	err = s.db.Batch(ctx, append([]*sqldb.Statement{
		{Text: holdGrant, Must: true, Args: []any{string(id), c.Revision}},
		{Text: stillTorn, Must: true, Args: []any{string(id)}},
	}, shared...))
	switch {
	case errors.Is(err, sqldb.ErrNoRow):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("share again: %w", err)
	}
	return true, nil
}
