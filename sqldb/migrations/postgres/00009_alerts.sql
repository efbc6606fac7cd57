-- +goose Up

-- Customers' answers to alerts: one for each alert, for ever. id is the name by
-- which the bank takes an answer once. Instants are milliseconds since 1970.
CREATE TABLE alert_answers (
    id         TEXT COLLATE "C" PRIMARY KEY,
    bank       TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C" NOT NULL,
    alert      TEXT COLLATE "C" NOT NULL,
    consent_id TEXT COLLATE "C" NOT NULL,
    revision   BIGINT NOT NULL,
    partner    TEXT COLLATE "C" NOT NULL,
    customer   TEXT COLLATE "C" NOT NULL,
    choice     BIGINT NOT NULL, -- as in the contract
    hash       TEXT COLLATE "C" NOT NULL, -- binds the partner's confirmation to the answer
    sealed     TEXT NOT NULL, -- the confirmation; erased at an end
    expires_at BIGINT NOT NULL, -- the alert's; 0: never
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('KEPT', 'TAKEN', 'NOT_TAKEN', 'ABANDONED')),
    status     BIGINT NOT NULL, -- where the alert stood when the bank took it; as in the contract
    attempts   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    kept_at    BIGINT NOT NULL,
    settled_at BIGINT NOT NULL, -- 0: not yet
    UNIQUE (bank, account, alert)
);
CREATE INDEX alert_answers_due ON alert_answers (due_at) WHERE state = 'KEPT';

GRANT SELECT, INSERT, UPDATE (sealed, state, status, attempts, due_at, settled_at) ON alert_answers TO sluice_gateway;

-- +goose Down
DROP TABLE alert_answers;
