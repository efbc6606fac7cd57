-- +goose Up

-- Customers' answers to alerts: one for each alert, for ever. id is the name by
-- which the bank takes an answer once. Instants are milliseconds since 1970.
CREATE TABLE alert_answers (
    id         TEXT    PRIMARY KEY,
    bank       TEXT    NOT NULL,
    account    TEXT    NOT NULL,
    alert      TEXT    NOT NULL,
    consent_id TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    partner    TEXT    NOT NULL,
    customer   TEXT    NOT NULL,
    choice     INTEGER NOT NULL, -- as in the contract
    hash       TEXT    NOT NULL, -- binds the partner's confirmation to the answer
    sealed     TEXT    NOT NULL, -- the confirmation; erased at an end
    expires_at INTEGER NOT NULL, -- the alert's; 0: never
    state      TEXT    NOT NULL CHECK (state IN ('KEPT', 'TAKEN', 'NOT_TAKEN', 'ABANDONED')),
    status     INTEGER NOT NULL, -- where the alert stood when the bank took it; as in the contract
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    kept_at    INTEGER NOT NULL,
    settled_at INTEGER NOT NULL, -- 0: not yet
    UNIQUE (bank, account, alert)
) WITHOUT ROWID;
CREATE INDEX alert_answers_due ON alert_answers (due_at) WHERE state = 'KEPT';

-- +goose Down
DROP TABLE alert_answers;
