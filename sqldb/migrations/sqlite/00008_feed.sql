-- +goose Up

-- What live consents share, by account: whom an event of it may concern. Kept
-- with each change of a consent. clusters has bit n for the cluster numbered n.
CREATE TABLE shared_accounts (
    bank        TEXT NOT NULL,
    account     TEXT NOT NULL,
    consent_id  TEXT NOT NULL,
    partner     TEXT NOT NULL,
    clusters    INTEGER NOT NULL,
    active      INTEGER NOT NULL, -- 0: paused or suspended
    valid_until INTEGER NOT NULL,
    PRIMARY KEY (bank, account, consent_id)
) WITHOUT ROWID;
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
CROSS JOIN json_each(r.content, '$.shares') s
CROSS JOIN json_each(s.value, '$.clusters') c
JOIN bits ON bits.name = c.value
WHERE g.status IN ('ACTIVE', 'PAUSED', 'SUSPENDED')
GROUP BY g.bank, s.value ->> 'account', g.consent_id, g.partner, g.status, g.valid_until;

-- Changes of consents that their partners' feeds have not taken up yet. Written
-- with the change, so that none is lost, and without a lock that others want.
CREATE TABLE feed_outbox (
    partner    TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    account    TEXT NOT NULL, -- '' for the change itself, or an account that left by it
    bank       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (partner, consent_id, revision, account)
) WITHOUT ROWID;
CREATE INDEX feed_outbox_old ON feed_outbox (at);

-- Consents that changed after something was shared: what waits under one and is
-- shared no more is erased soon, also if its partner never asks.
CREATE TABLE feed_changed (
    consent_id TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    partner    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (consent_id, revision)
) WITHOUT ROWID;
CREATE INDEX feed_changed_by_time ON feed_changed (at);

-- Up to where each account was published; ahead is the highest sequence that came.
CREATE TABLE feed_accounts (
    bank     TEXT NOT NULL,
    account  TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    ahead    INTEGER NOT NULL,
    PRIMARY KEY (bank, account)
) WITHOUT ROWID;

-- Which transactions were published, by a hash of bank, account and id: a bank
-- may not use an id twice, nor change what is final.
CREATE TABLE feed_transactions (
    name        TEXT PRIMARY KEY,
    first_seq   INTEGER NOT NULL,
    last_seq    INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    replaced_by TEXT NOT NULL,
    at          INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX feed_transactions_old ON feed_transactions (at);

-- Events that somebody still waits for: sealed, and erased with the last who does.
CREATE TABLE feed_events (
    bank         TEXT NOT NULL,
    account      TEXT NOT NULL,
    sequence     INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    day          INTEGER NOT NULL,
    occurred_at  INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    sealed       TEXT NOT NULL,
    waiting      INTEGER NOT NULL, -- how many deliveries need it
    PRIMARY KEY (bank, account, sequence)
) WITHOUT ROWID;
CREATE INDEX feed_events_old ON feed_events (published_at);

-- Each partner's deliveries are in shards, whose positions are dense. A shard is
-- leased to one consumer; its row is locked by whoever adds, gives out or ends.
CREATE TABLE feed_shards (
    partner      TEXT NOT NULL,
    shard        INTEGER NOT NULL,
    pos          INTEGER NOT NULL,
    consumer     TEXT NOT NULL, -- '' for nobody
    leased_until INTEGER NOT NULL,
    PRIMARY KEY (partner, shard)
) WITHOUT ROWID;
CREATE TABLE feed_consumers (
    partner    TEXT NOT NULL,
    consumer   TEXT NOT NULL,
    seen_until INTEGER NOT NULL,
    PRIMARY KEY (partner, consumer)
) WITHOUT ROWID;

-- What each partner has not acknowledged. Of a consent's lane (an account, or ''
-- for changes of the consent itself) the earliest is the head: only heads are
-- given out. due_at is when it may be next, by the database's clock.
CREATE TABLE feed_deliveries (
    partner      TEXT NOT NULL,
    shard        INTEGER NOT NULL,
    pos          INTEGER NOT NULL,
    id           TEXT NOT NULL,
    consent_id   TEXT NOT NULL,
    lane         TEXT NOT NULL,
    bank         TEXT NOT NULL,
    account      TEXT NOT NULL,
    sequence     INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    head         INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    consumer     TEXT NOT NULL, -- who has it out; '' for nobody
    attempts     INTEGER NOT NULL,
    errors       INTEGER NOT NULL,
    PRIMARY KEY (partner, shard, pos)
) WITHOUT ROWID;
CREATE INDEX feed_deliveries_due ON feed_deliveries (partner, shard, due_at, pos) WHERE head = 1;
CREATE INDEX feed_deliveries_lane ON feed_deliveries (partner, shard, consent_id, lane, pos);
CREATE INDEX feed_deliveries_old ON feed_deliveries (published_at);

-- Deliveries that their partners could not take, for the operator; no data.
CREATE TABLE feed_dead (
    id         TEXT PRIMARY KEY,
    partner    TEXT NOT NULL,
    consent_id TEXT NOT NULL,
    kind       TEXT NOT NULL,
    errors     INTEGER NOT NULL,
    error      TEXT NOT NULL,
    at         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX feed_dead_by_time ON feed_dead (at);
CREATE INDEX feed_dead_by_partner ON feed_dead (partner, at);

-- What was rejected of banks and dropped for partners, by day from 1970-01-01 in UTC.
CREATE TABLE feed_counts (
    party TEXT NOT NULL,
    day   INTEGER NOT NULL,
    what  TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (party, day, what)
) WITHOUT ROWID;

-- +goose Down
SELECT 1;
