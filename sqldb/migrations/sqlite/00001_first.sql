-- +goose Up

-- Names this database. It changes when one is restored from a copy, so that
-- nothing remembered of the other is believed.
CREATE TABLE meta (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation TEXT NOT NULL
);
INSERT INTO meta (one, incarnation) VALUES (1, lower(hex(randomblob(16))));

-- Who takes part. One row is the standing of a party for all its grants.
CREATE TABLE parties (
    kind     TEXT NOT NULL CHECK (kind IN ('partner', 'bank')),
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    standing TEXT NOT NULL CHECK (standing IN ('ACTIVE', 'SUSPENDED')),
    address  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- The newest revision of each consent, as the fence of a release reads it.
-- Instants are milliseconds since 1970. shard is 0 until there is a customer,
-- then 1 to 255 by bank and customer.
CREATE TABLE grants (
    consent_id         TEXT PRIMARY KEY,
    version            INTEGER NOT NULL,
    status             TEXT NOT NULL,
    digest             BLOB NOT NULL,
    partner            TEXT NOT NULL,
    bank               TEXT NOT NULL,
    customer           TEXT NOT NULL,
    shard              INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    valid_until        INTEGER NOT NULL,
    one_time           INTEGER NOT NULL,
    unattended_per_day INTEGER NOT NULL,
    fenced_version     INTEGER NOT NULL -- up to here no replica releases under an earlier one any more
) WITHOUT ROWID;
CREATE INDEX grants_by_customer ON grants (bank, customer, created_at DESC, consent_id DESC);
CREATE INDEX grants_unfenced ON grants (consent_id) WHERE fenced_version < version;
CREATE INDEX grants_alive ON grants (created_at, consent_id)
    WHERE status IN ('PENDING', 'PARTIALLY_AUTHORIZED', 'ACTIVE', 'PAUSED', 'SUSPENDED');

-- Every revision for ever: what was agreed, and who changed it, why and when.
CREATE TABLE consent_revisions (
    consent_id TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    content    TEXT NOT NULL, -- JSON
    kind       TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    why        TEXT NOT NULL,
    status     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (consent_id, revision)
) WITHOUT ROWID;

-- The order of all changes of a shard's grants: pos is dense and grows in the
-- order of commits.
CREATE TABLE change_head (
    shard INTEGER PRIMARY KEY,
    pos   INTEGER NOT NULL
);
CREATE TABLE grant_changes (
    shard      INTEGER NOT NULL,
    pos        INTEGER NOT NULL,
    consent_id TEXT NOT NULL,
    version    INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    at         INTEGER NOT NULL, -- by the database's clock, while it held the grant
    PRIMARY KEY (shard, pos)
) WITHOUT ROWID;

-- Every release, in order; never the data itself. day is counted from
-- 1970-01-01 in UTC. counted says that it is an unattended access of its own.
CREATE TABLE disclosures (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    consent_id      TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    partner         TEXT NOT NULL,
    bank            TEXT NOT NULL,
    customer        TEXT NOT NULL,
    shard           INTEGER NOT NULL,
    method          TEXT NOT NULL,
    accounts        TEXT NOT NULL, -- JSON list of the bank's ids
    clusters        INTEGER NOT NULL, -- bit n: cluster n
    purpose         TEXT NOT NULL,
    unattended      INTEGER NOT NULL,
    counted         INTEGER NOT NULL,
    continues       TEXT NOT NULL,
    items           INTEGER NOT NULL,
    policy_revision TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    boot            TEXT NOT NULL, -- the replica that released
    day             INTEGER NOT NULL,
    at              INTEGER NOT NULL
);
CREATE INDEX disclosures_by_consent ON disclosures (consent_id, seq);
CREATE INDEX disclosures_counted ON disclosures (consent_id, day) WHERE counted = 1;

-- What became of a recorded release, where it was not simply sent: WITHHELD did
-- not leave after all, LATE left when it should not have any more.
CREATE TABLE disclosure_outcomes (
    id      TEXT PRIMARY KEY,
    outcome TEXT NOT NULL CHECK (outcome IN ('WITHHELD', 'LATE')),
    at      INTEGER NOT NULL
) WITHOUT ROWID;

-- Gateways at work. heartbeat is a counter; wall clocks say nothing here.
CREATE TABLE replicas (
    boot      TEXT PRIMARY KEY,
    address   TEXT NOT NULL,
    heartbeat INTEGER NOT NULL
) WITHOUT ROWID;

-- History can be added to and never changed.
-- +goose StatementBegin
CREATE TRIGGER consent_revisions_no_update BEFORE UPDATE ON consent_revisions
BEGIN SELECT RAISE(ABORT, 'consent_revisions is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER consent_revisions_no_delete BEFORE DELETE ON consent_revisions
BEGIN SELECT RAISE(ABORT, 'consent_revisions is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER grant_changes_no_update BEFORE UPDATE ON grant_changes
BEGIN SELECT RAISE(ABORT, 'grant_changes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER grant_changes_no_delete BEFORE DELETE ON grant_changes
BEGIN SELECT RAISE(ABORT, 'grant_changes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disclosures_no_update BEFORE UPDATE ON disclosures
BEGIN SELECT RAISE(ABORT, 'disclosures is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disclosures_no_delete BEFORE DELETE ON disclosures
BEGIN SELECT RAISE(ABORT, 'disclosures is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disclosure_outcomes_no_update BEFORE UPDATE ON disclosure_outcomes
BEGIN SELECT RAISE(ABORT, 'disclosure_outcomes is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disclosure_outcomes_no_delete BEFORE DELETE ON disclosure_outcomes
BEGIN SELECT RAISE(ABORT, 'disclosure_outcomes is append-only'); END;
-- +goose StatementEnd

-- +goose Down
-- There is no way back from the first schema.
SELECT 1;
