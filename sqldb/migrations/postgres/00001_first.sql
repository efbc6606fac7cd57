-- +goose Up

-- Ids are compared as bytes, in every table alike: an index is of no use to a join
-- of columns whose collations differ.

-- Names this database. It changes when one is restored from a copy, so that
-- nothing remembered of the other is believed.
CREATE TABLE meta (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    incarnation TEXT NOT NULL
);
INSERT INTO meta (one, incarnation) VALUES (1, replace(gen_random_uuid()::text, '-', ''));

-- Who takes part. One row is the standing of a party for all its grants.
CREATE TABLE parties (
    kind     TEXT NOT NULL CHECK (kind IN ('partner', 'bank')),
    id       TEXT COLLATE "C" NOT NULL,
    name     TEXT NOT NULL,
    standing TEXT NOT NULL CHECK (standing IN ('ACTIVE', 'SUSPENDED')),
    address  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, id)
);

-- The newest revision of each consent, as the fence of a release reads it.
-- Instants are milliseconds since 1970. shard is 0 until there is a customer,
-- then 1 to 255 by bank and customer.
CREATE TABLE grants (
    consent_id         TEXT COLLATE "C" PRIMARY KEY,
    version            BIGINT NOT NULL,
    status             TEXT NOT NULL,
    digest             BYTEA NOT NULL,
    partner            TEXT NOT NULL,
    bank               TEXT NOT NULL,
    customer           TEXT NOT NULL,
    shard              BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    valid_until        BIGINT NOT NULL,
    one_time           BIGINT NOT NULL,
    unattended_per_day BIGINT NOT NULL,
    fenced_version     BIGINT NOT NULL -- up to here no replica releases under an earlier one any more
);
CREATE INDEX grants_by_customer ON grants (bank, customer, created_at DESC, consent_id DESC);
CREATE INDEX grants_unfenced ON grants (consent_id) WHERE fenced_version < version;
CREATE INDEX grants_alive ON grants (created_at, consent_id)
    WHERE status IN ('PENDING', 'PARTIALLY_AUTHORIZED', 'ACTIVE', 'PAUSED', 'SUSPENDED');

-- Every revision for ever: what was agreed, and who changed it, why and when.
CREATE TABLE consent_revisions (
    consent_id TEXT COLLATE "C" NOT NULL,
    revision   BIGINT NOT NULL,
    content    TEXT NOT NULL, -- JSON
    kind       TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    why        TEXT NOT NULL,
    status     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (consent_id, revision)
);

-- The order of all changes of a shard's grants: pos is dense and grows in the
-- order of commits.
CREATE TABLE change_head (
    shard BIGINT PRIMARY KEY,
    pos   BIGINT NOT NULL
);
CREATE TABLE grant_changes (
    shard      BIGINT NOT NULL,
    pos        BIGINT NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    at         BIGINT NOT NULL, -- by the database's clock, while it held the grant
    PRIMARY KEY (shard, pos)
);

-- Every release, in order; never the data itself. day is counted from
-- 1970-01-01 in UTC. counted says that it is an unattended access of its own.
CREATE TABLE disclosures (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    consent_id      TEXT COLLATE "C" NOT NULL,
    revision        BIGINT NOT NULL,
    partner         TEXT NOT NULL,
    bank            TEXT NOT NULL,
    customer        TEXT NOT NULL,
    shard           BIGINT NOT NULL,
    method          TEXT NOT NULL,
    accounts        TEXT NOT NULL, -- JSON list of the bank's ids
    clusters        BIGINT NOT NULL, -- bit n: cluster n
    purpose         TEXT NOT NULL,
    unattended      BIGINT NOT NULL,
    counted         BIGINT NOT NULL,
    continues       TEXT NOT NULL,
    items           BIGINT NOT NULL,
    policy_revision TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    boot            TEXT NOT NULL, -- the replica that released
    day             BIGINT NOT NULL,
    at              BIGINT NOT NULL
);
CREATE INDEX disclosures_by_consent ON disclosures (consent_id, seq);
-- Who released lately under a consent that is changing.
CREATE INDEX disclosures_lately ON disclosures (consent_id, at);
CREATE INDEX disclosures_counted ON disclosures (consent_id, day) WHERE counted = 1;

-- What became of a recorded release, where it was not simply sent: WITHHELD did
-- not leave after all, LATE left when it should not have any more.
CREATE TABLE disclosure_outcomes (
    id      TEXT PRIMARY KEY,
    outcome TEXT NOT NULL CHECK (outcome IN ('WITHHELD', 'LATE')),
    at      BIGINT NOT NULL
);

-- Gateways at work. heartbeat is a counter; wall clocks say nothing here.
CREATE TABLE replicas (
    boot      TEXT PRIMARY KEY,
    address   TEXT NOT NULL,
    heartbeat BIGINT NOT NULL
);

-- History can be added to and never changed, not even by the owner.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
-- +goose StatementEnd
CREATE TRIGGER consent_revisions_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER grant_changes_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON grant_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER disclosures_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON disclosures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER disclosure_outcomes_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON disclosure_outcomes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a gateway may do. It logs in as a member of this role; whoever migrates
-- owns the tables.
-- +goose StatementBegin
DO $$ BEGIN
    CREATE ROLE sluice_gateway NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
-- +goose StatementEnd
GRANT SELECT ON meta, goose_db_version TO sluice_gateway;
GRANT SELECT, INSERT ON consent_revisions, grant_changes, disclosures, disclosure_outcomes TO sluice_gateway;
GRANT SELECT, INSERT, UPDATE ON parties, grants, change_head TO sluice_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON replicas TO sluice_gateway;

-- +goose Down
-- There is no way back from the first schema.
SELECT 1;
