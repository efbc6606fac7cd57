package grantdb

import (
	"encoding/json"
	"fmt"

	"sluice/consent"
	"sluice/sqldb"
)

// What a live consent shares is kept by account too, for feeds; and a change is
// left in an outbox for the partner's feed, which orders it later. The outbox
// takes no lock that others want: a change must not wait for a feed.
//
// {rows} are the accounts of $1, a JSON list.
const (
	accountsLeft = `
INSERT INTO feed_outbox (partner, consent_id, revision, account, bank, at)
SELECT s.partner, s.consent_id, CAST($3 AS BIGINT), s.account, s.bank, CAST($4 AS BIGINT)
FROM shared_accounts s
WHERE s.consent_id = $2 AND s.account NOT IN (SELECT r.value ->> 'account' FROM {rows})
ON CONFLICT (partner, consent_id, revision, account) DO NOTHING`
	unshare = `DELETE FROM shared_accounts WHERE consent_id = $1`
	reshare = `
INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until, revision)
SELECT CAST($2 AS TEXT), r.value ->> 'account', CAST($3 AS TEXT), CAST($4 AS TEXT),
       CAST(r.value ->> 'clusters' AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS BIGINT)
FROM {rows}`
	// By its own clock, the feed says when it heard of it.
	tellFeed = `
INSERT INTO feed_changed (consent_id, revision, partner, at)
SELECT DISTINCT s.consent_id, CAST($2 AS BIGINT), s.partner, 0 FROM shared_accounts s WHERE s.consent_id = $1
ON CONFLICT (consent_id, revision) DO NOTHING`
	tellPartner = `
INSERT INTO feed_outbox (partner, consent_id, revision, account, bank, at) VALUES ($1, $2, $3, '', $4, $5)
ON CONFLICT (partner, consent_id, revision, account) DO NOTHING`
)

type sharedAccount struct {
	Account  string `json:"account"`
	Clusters uint32 `json:"clusters"`
}

// shared makes a revision known to feeds. Accounts leave a consent only while it
// lives on: its end says enough.
func (s *Store) shared(c consent.Consent, ch consent.Change) ([]*sqldb.Statement, error) {
	list := make([]sharedAccount, len(c.Shares))
	for i, share := range c.Shares {
		list[i] = sharedAccount{string(share.Account), uint32(share.Clusters)}
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("encode shares: %w", err)
	}
	at := ch.At.UnixMilli()
	out := []*sqldb.Statement{
		{Text: tellFeed, Args: []any{string(c.ID), c.Revision}},
		{Text: unshare, Args: []any{string(c.ID)}},
		{Text: tellPartner, Args: []any{string(c.Partner), string(c.ID), c.Revision, string(c.Bank), at}},
	}
	if !consent.Live(c.Status) {
		return out, nil
	}
	left := &sqldb.Statement{Text: s.db.Rows(accountsLeft), Args: []any{string(raw), string(c.ID), c.Revision, at}}
	again := &sqldb.Statement{Text: s.db.Rows(reshare), Args: []any{
		string(raw), string(c.Bank), string(c.ID), string(c.Partner), sqldb.Bool(c.Status == consent.Active), c.ValidUntil.UnixMilli(), c.Revision,
	}}
	return append(append([]*sqldb.Statement{left}, out...), again), nil
}
