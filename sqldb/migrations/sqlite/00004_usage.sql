-- +goose Up

-- What partners asked for and a consent kept back, counted by day (from
-- 1970-01-01 in UTC) and reason. It is for the customer's eyes and proves nothing:
-- counts are written a moment later, and old days go.
CREATE TABLE refusals (
    consent_id TEXT NOT NULL,
    day        INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    count      INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    PRIMARY KEY (consent_id, day, reason)
) WITHOUT ROWID;
CREATE INDEX refusals_old ON refusals (day);

-- A consent's releases by day.
CREATE INDEX disclosures_lately ON disclosures (consent_id, at);

-- +goose Down
DROP INDEX disclosures_lately;
DROP TABLE refusals;
