-- +goose Up
-- What a login lets the portal do for who is logged in, while the session lasts: grants
-- by scope, as JSON. They serve this portal alone, with its own key.
ALTER TABLE session ADD COLUMN grants TEXT NOT NULL DEFAULT '';
ALTER TABLE session DROP COLUMN suspend_grant;

-- A use that its holder says was none of theirs: one case a use.
CREATE TABLE not_me (
    number          TEXT    PRIMARY KEY,
    person          TEXT    NOT NULL,
    use_id          TEXT    NOT NULL,
    details         TEXT    NOT NULL, -- the use, as the verifier told it
    opened_at_ms    INTEGER NOT NULL,
    suspended_at_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (person, use_id)
) STRICT;
