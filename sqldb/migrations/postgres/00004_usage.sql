-- +goose Up

-- What partners asked for and a consent kept back, counted by day (from
-- 1970-01-01 in UTC) and reason. It is for the customer's eyes and proves nothing:
-- counts are written a moment later, and old days go.
CREATE TABLE refusals (
    consent_id TEXT COLLATE "C" NOT NULL,
    day        BIGINT NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    count      BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (consent_id, day, reason)
);
CREATE INDEX refusals_old ON refusals (day);

-- A consent's releases by day are read by disclosures_lately.

GRANT SELECT, INSERT, UPDATE, DELETE ON refusals TO sluice_gateway;

-- +goose Down
DROP TABLE refusals;
