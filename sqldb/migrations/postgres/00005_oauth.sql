-- +goose Up

-- The gateway's own signing keys: private halves sealed, and erased when a key
-- retires. Public halves stay, since receipts are kept for ever.
CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    made_at    BIGINT NOT NULL,
    sealed     TEXT NOT NULL,
    public_key TEXT NOT NULL, -- a JWK
    retired    BIGINT NOT NULL
);

-- Authorization requests under way. request is the hash of the request_uri.
CREATE TABLE oauth_sessions (
    id         TEXT PRIMARY KEY,
    request    TEXT NOT NULL UNIQUE,
    version    BIGINT NOT NULL,
    pending    BIGINT NOT NULL,
    content    TEXT NOT NULL, -- sealed
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_sessions_expired ON oauth_sessions (expires_at);

-- What the authorization server gave to clients: codes and refresh tokens by
-- keyed hashes, so that whoever reads this can use none.
CREATE TABLE oauth_grants (
    id           TEXT PRIMARY KEY,
    client       TEXT NOT NULL,
    consent_id   TEXT NOT NULL,
    version      BIGINT NOT NULL,
    code         TEXT UNIQUE,
    refresh      TEXT UNIQUE,
    revoked_at   BIGINT NOT NULL,
    content      TEXT NOT NULL, -- sealed
    expires_at   BIGINT NOT NULL
);
CREATE INDEX oauth_grants_expired ON oauth_grants (expires_at);

GRANT SELECT, INSERT, UPDATE (sealed, retired) ON signing_keys TO sluice_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_sessions, oauth_grants TO sluice_gateway;

-- +goose Down
SELECT 1;
