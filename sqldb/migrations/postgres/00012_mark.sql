-- +goose Up

-- Sealed with the gateway's secrets by the first that starts, so that none with
-- other secrets serves: it could open nothing of what stands here.
ALTER TABLE meta ADD COLUMN mark TEXT NOT NULL DEFAULT '';

GRANT UPDATE (mark) ON meta TO sluice_gateway;
