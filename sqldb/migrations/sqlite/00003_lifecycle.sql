-- +goose Up

-- Who may see a consent as a co-holder: all whom its customer named. A consent
-- that is hidden from co-holders names none.
CREATE TABLE co_holders (
    bank       TEXT NOT NULL,
    customer   TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    PRIMARY KEY (bank, customer, consent_id)
) WITHOUT ROWID;

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
DROP TRIGGER grant_changes_no_update;
UPDATE grant_changes SET
    partner = coalesce((SELECT g.partner FROM grants g WHERE g.consent_id = grant_changes.consent_id), ''),
    bank = coalesce((SELECT g.bank FROM grants g WHERE g.consent_id = grant_changes.consent_id), '');
-- +goose StatementBegin
CREATE TRIGGER grant_changes_no_update BEFORE UPDATE ON grant_changes
BEGIN SELECT RAISE(ABORT, 'grant_changes is append-only'); END;
-- +goose StatementEnd
CREATE INDEX grant_changes_by_partner ON grant_changes (partner, shard, pos);
CREATE INDEX grant_changes_by_bank ON grant_changes (bank, shard, pos);

-- +goose Down
SELECT 1;
