-- +goose Up
-- What lets the portal suspend the phone of who is logged in, while the session
-- lasts: it serves this portal alone, with its own key, and does nothing else.
ALTER TABLE session ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN suspend_grant TEXT NOT NULL DEFAULT '';
