-- +goose Up

-- Sessions of customers' browsers. key is the SHA-256 of a secret that only the
-- browser has; content says as whom it is logged in, at which banks.
CREATE TABLE web_sessions (
    key     TEXT COLLATE "C" PRIMARY KEY,
    content TEXT NOT NULL, -- JSON
    ends_at BIGINT NOT NULL
);
CREATE INDEX web_sessions_ended ON web_sessions (ends_at);

-- Logins under way at banks; state is the hash of the one the bank gives back.
CREATE TABLE web_logins (
    state   TEXT COLLATE "C" PRIMARY KEY,
    browser TEXT NOT NULL,
    content TEXT NOT NULL, -- JSON
    ends_at BIGINT NOT NULL
);
CREATE INDEX web_logins_ended ON web_logins (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON web_sessions, web_logins TO sluice_gateway;

-- +goose Down
SELECT 1;
