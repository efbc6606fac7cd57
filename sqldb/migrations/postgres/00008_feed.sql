-- +goose Up

-- The elements of a list that a statement is given. The planner is told that they
-- are few: tables of feeds grow and empty by the minute, and whatever it believes
-- of them at the time, it must look rows up by their keys and not read a table
-- whole.
-- +goose StatementBegin
CREATE FUNCTION listed(list TEXT) RETURNS TABLE (value JSON) LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN RETURN QUERY SELECT e.value FROM json_array_elements(CAST(list AS JSON)) AS e (value); END $$;
-- +goose StatementEnd

-- What live consents share, by account: whom an event of it may concern. Kept
-- with each change of a consent. clusters has bit n for the cluster numbered n.
CREATE TABLE shared_accounts (
    bank        TEXT COLLATE "C" NOT NULL,
    account     TEXT COLLATE "C" NOT NULL,
    consent_id  TEXT COLLATE "C" NOT NULL,
    partner     TEXT COLLATE "C" NOT NULL,
    clusters    BIGINT NOT NULL,
    active      BIGINT NOT NULL, -- 0: paused or suspended
    valid_until BIGINT NOT NULL,
    PRIMARY KEY (bank, account, consent_id)
);
CREATE INDEX shared_accounts_by_consent ON shared_accounts (consent_id);

WITH bits (name, bit) AS (VALUES
    ('ACCOUNT_BASIC', 2), ('ACCOUNT_DETAILED', 4), ('BALANCES', 8), ('TRANSACTIONS_BASIC', 16),
    ('TRANSACTIONS_DETAILED', 32), ('CARDS', 64), ('CARD_TRANSACTIONS', 128), ('STATEMENTS', 256),
    ('FRAUD_ALERTS', 512), ('CONVERSATIONS', 1024))
INSERT INTO shared_accounts (bank, account, consent_id, partner, clusters, active, valid_until)
SELECT g.bank, s.value ->> 'account', g.consent_id, g.partner, sum(bits.bit),
       CASE WHEN g.status = 'ACTIVE' THEN 1 ELSE 0 END, g.valid_until
FROM grants g
JOIN consent_revisions r ON r.consent_id = g.consent_id AND r.revision = g.version
CROSS JOIN LATERAL json_array_elements(CAST(r.content AS JSON) -> 'shares') s (value)
CROSS JOIN LATERAL json_array_elements_text(s.value -> 'clusters') c (value)
JOIN bits ON bits.name = c.value
WHERE g.status IN ('ACTIVE', 'PAUSED', 'SUSPENDED')
GROUP BY g.bank, s.value ->> 'account', g.consent_id, g.partner, g.status, g.valid_until;

-- Changes of consents that their partners' feeds have not taken up yet. Written
-- with the change, so that none is lost, and without a lock that others want.
CREATE TABLE feed_outbox (
    partner    TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    revision   BIGINT NOT NULL,
    account    TEXT COLLATE "C" NOT NULL, -- '' for the change itself, or an account that left by it
    bank       TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (partner, consent_id, revision, account)
);
CREATE INDEX feed_outbox_old ON feed_outbox (at);

-- Consents that changed after something was shared: what waits under one and is
-- shared no more is erased soon, also if its partner never asks.
CREATE TABLE feed_changed (
    consent_id TEXT COLLATE "C" NOT NULL,
    revision   BIGINT NOT NULL,
    partner    TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (consent_id, revision)
);
CREATE INDEX feed_changed_by_time ON feed_changed (at);

-- Up to where each account was published; ahead is the highest sequence that came.
CREATE TABLE feed_accounts (
    bank     TEXT COLLATE "C" NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    ahead    BIGINT NOT NULL,
    PRIMARY KEY (bank, account)
);

-- Which transactions were published, by a hash of bank, account and id: a bank
-- may not use an id twice, nor change what is final.
CREATE TABLE feed_transactions (
    name        TEXT COLLATE "C" PRIMARY KEY,
    first_seq   BIGINT NOT NULL,
    last_seq    BIGINT NOT NULL,
    status      BIGINT NOT NULL,
    replaced_by TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX feed_transactions_old ON feed_transactions (at);

-- Events that somebody still waits for: sealed, and erased with the last who does.
CREATE TABLE feed_events (
    bank         TEXT COLLATE "C" NOT NULL,
    account      TEXT COLLATE "C" NOT NULL,
    sequence     BIGINT NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    day          BIGINT NOT NULL,
    occurred_at  BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    sealed       TEXT COLLATE "C" NOT NULL,
    waiting      BIGINT NOT NULL, -- how many deliveries need it
    PRIMARY KEY (bank, account, sequence)
);
CREATE INDEX feed_events_old ON feed_events (published_at);

-- Each partner's deliveries are in shards, whose positions are dense. A shard is
-- leased to one consumer; its row is locked by whoever adds, gives out or ends.
CREATE TABLE feed_shards (
    partner      TEXT COLLATE "C" NOT NULL,
    shard        BIGINT NOT NULL,
    pos          BIGINT NOT NULL,
    consumer     TEXT COLLATE "C" NOT NULL, -- '' for nobody
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (partner, shard)
);
CREATE TABLE feed_consumers (
    partner    TEXT COLLATE "C" NOT NULL,
    consumer   TEXT COLLATE "C" NOT NULL,
    seen_until BIGINT NOT NULL,
    PRIMARY KEY (partner, consumer)
);

-- What each partner has not acknowledged. Of a consent's lane (an account, or ''
-- for changes of the consent itself) the earliest is the head: only heads are
-- given out. due_at is when it may be next, by the database's clock.
CREATE TABLE feed_deliveries (
    partner      TEXT COLLATE "C" NOT NULL,
    shard        BIGINT NOT NULL,
    pos          BIGINT NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    consent_id   TEXT COLLATE "C" NOT NULL,
    lane         TEXT COLLATE "C" NOT NULL,
    bank         TEXT COLLATE "C" NOT NULL,
    account      TEXT COLLATE "C" NOT NULL,
    sequence     BIGINT NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    published_at BIGINT NOT NULL,
    head         BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    consumer     TEXT COLLATE "C" NOT NULL, -- who has it out; '' for nobody
    attempts     BIGINT NOT NULL,
    errors       BIGINT NOT NULL,
    PRIMARY KEY (partner, shard, pos)
);
CREATE INDEX feed_deliveries_due ON feed_deliveries (partner, shard, due_at, pos) WHERE head = 1;
CREATE INDEX feed_deliveries_lane ON feed_deliveries (partner, shard, consent_id, lane, pos);
CREATE INDEX feed_deliveries_old ON feed_deliveries (published_at);

-- Deliveries that their partners could not take, for the operator; no data.
CREATE TABLE feed_dead (
    id         TEXT COLLATE "C" PRIMARY KEY,
    partner    TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    errors     BIGINT NOT NULL,
    error      TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX feed_dead_by_time ON feed_dead (at);
CREATE INDEX feed_dead_by_partner ON feed_dead (partner, at);

-- What was rejected of banks and dropped for partners, by day from 1970-01-01 in UTC.
CREATE TABLE feed_counts (
    party TEXT COLLATE "C" NOT NULL,
    day   BIGINT NOT NULL,
    what  TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (party, day, what)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON shared_accounts, feed_outbox, feed_changed, feed_accounts, feed_transactions, feed_events,
    feed_shards, feed_consumers, feed_deliveries, feed_dead, feed_counts TO sluice_gateway;

-- +goose Down
SELECT 1;
