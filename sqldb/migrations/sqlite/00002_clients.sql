-- +goose Up

-- How a partner shows under which consent it calls, its client at the
-- authorization server, and where a bank logs its customers in.
ALTER TABLE parties ADD COLUMN access TEXT NOT NULL DEFAULT 'TOKEN' CHECK (access IN ('TOKEN', 'CERTIFICATE'));
ALTER TABLE parties ADD COLUMN client TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE parties ADD COLUMN login TEXT NOT NULL DEFAULT '{}'; -- JSON
-- Partners that were registered before called by certificate, and go on so.
UPDATE parties SET access = 'CERTIFICATE' WHERE kind = 'partner';

-- +goose Down
SELECT 1;
