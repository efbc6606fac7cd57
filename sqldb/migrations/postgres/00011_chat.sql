-- +goose Up

-- What a bank lets pass unmasked in conversations: names, a space between them.
-- Nothing at first.
ALTER TABLE parties ADD COLUMN chat_pass TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE parties DROP COLUMN chat_pass;
