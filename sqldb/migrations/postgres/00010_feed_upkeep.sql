-- +goose Up

-- Of which revision a row is: replicas that know nothing of this table may change
-- consents while they are replaced, and what they left out of it is found so. 0 is
-- of no revision.
ALTER TABLE shared_accounts ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

WITH bits (name, bit) AS (VALUES
    ('ACCOUNT_BASIC', 2), ('ACCOUNT_DETAILED', 4), ('BALANCES', 8), ('TRANSACTIONS_BASIC', 16),
    ('TRANSACTIONS_DETAILED', 32), ('CARDS', 64), ('CARD_TRANSACTIONS', 128), ('STATEMENTS', 256),
    ('FRAUD_ALERTS', 512), ('CONVERSATIONS', 1024))
INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until, revision)
SELECT g.bank, s.value ->> 'account', g.consent_id, g.partner, sum(bits.bit),
       CASE WHEN g.status = 'ACTIVE' THEN 1 ELSE 0 END, g.valid_until, g.version
FROM grants g
JOIN consent_revisions r ON r.consent_id = g.consent_id AND r.revision = g.version
CROSS JOIN LATERAL json_array_elements(CAST(r.content AS JSON) -> 'shares') s (value)
CROSS JOIN LATERAL json_array_elements_text(s.value -> 'clusters') c (value)
JOIN bits ON bits.name = c.value
WHERE g.status IN ('ACTIVE', 'PAUSED', 'SUSPENDED')
GROUP BY g.bank, s.value ->> 'account', g.consent_id, g.partner, g.status, g.valid_until, g.version
ON CONFLICT (bank, account, consent_id) DO UPDATE SET clusters = excluded.clusters, active = excluded.active,
    valid_until = excluded.valid_until, revision = excluded.revision;

-- What a partner said of a delivery that it could not take is sealed, for the
-- place the delivery had: it may be of data.
ALTER TABLE feed_dead ADD COLUMN shard BIGINT NOT NULL DEFAULT -1;
ALTER TABLE feed_dead ADD COLUMN pos BIGINT NOT NULL DEFAULT -1;
UPDATE feed_dead SET error = '';

-- +goose Down
SELECT 1;
