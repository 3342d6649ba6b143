-- +goose Up
-- What lets the portal show and raise the holder's own limits while the session lasts.
ALTER TABLE session ADD COLUMN rules_grant TEXT NOT NULL DEFAULT '';

-- A use that its holder says was none of theirs: one case a use.
CREATE TABLE not_me (
    number          TEXT    PRIMARY KEY,
    person          TEXT    NOT NULL,
    use_id          TEXT    NOT NULL,
    details         TEXT    NOT NULL, -- the use, as the verifier told it
    opened_at_ms    BIGINT  NOT NULL,
    suspended_at_ms BIGINT  NOT NULL DEFAULT 0,
    UNIQUE (person, use_id)
);
