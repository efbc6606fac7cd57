-- +goose Up

-- Proofs and assertions that were used, each once: id is a hash of whose it was
-- and which. A row may go when its time is over, and not before.
CREATE TABLE replay_uses (
    id         TEXT COLLATE "C" PRIMARY KEY,
    kept_until BIGINT NOT NULL -- milliseconds
);
CREATE INDEX replay_uses_over ON replay_uses (kept_until);
GRANT SELECT, INSERT, DELETE ON replay_uses TO sluice_gateway;

-- +goose Down
DROP TABLE replay_uses;
