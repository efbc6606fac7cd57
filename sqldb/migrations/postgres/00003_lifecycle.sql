-- +goose Up

-- Who may see a consent as a co-holder: all whom its customer named. A consent
-- that is hidden from co-holders names none.
CREATE TABLE co_holders (
    bank       TEXT COLLATE "C" NOT NULL,
    customer   TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (bank, customer, consent_id)
);

-- When time has something to do next, in milliseconds since 1970; what is there
-- now is looked at once.
ALTER TABLE grants ADD COLUMN look_at BIGINT NOT NULL DEFAULT 0;
DROP INDEX grants_alive;
CREATE INDEX grants_due ON grants (look_at)
    WHERE status IN ('PENDING', 'PARTIALLY_AUTHORIZED', 'ACTIVE', 'PAUSED', 'SUSPENDED');
CREATE INDEX grants_by_partner ON grants (partner, created_at DESC, consent_id DESC);
CREATE INDEX grants_by_bank ON grants (bank, created_at DESC, consent_id DESC);
-- How many requests of a partner wait for their customers.
CREATE INDEX grants_waiting ON grants (partner, created_at) WHERE status = 'PENDING';

-- Partners and banks read the changes of their own.
ALTER TABLE grant_changes ADD COLUMN partner TEXT NOT NULL DEFAULT '';
ALTER TABLE grant_changes ADD COLUMN bank TEXT NOT NULL DEFAULT '';
ALTER TABLE grant_changes DISABLE TRIGGER grant_changes_no_change;
UPDATE grant_changes SET partner = g.partner, bank = g.bank FROM grants g WHERE g.consent_id = grant_changes.consent_id;
ALTER TABLE grant_changes ENABLE TRIGGER grant_changes_no_change;
CREATE INDEX grant_changes_by_partner ON grant_changes (partner, shard, pos);
CREATE INDEX grant_changes_by_bank ON grant_changes (bank, shard, pos);

GRANT SELECT, INSERT ON co_holders TO sluice_gateway;

-- +goose Down
SELECT 1;
