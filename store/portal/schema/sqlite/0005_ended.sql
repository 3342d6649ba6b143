-- +goose Up
-- The verifier's name for a session, by which its events end it, and why it ended
-- before its time: the state of the certificate that opened it.
ALTER TABLE session ADD COLUMN login TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN ended_why TEXT NOT NULL DEFAULT '';
CREATE INDEX session_login ON session (login);

-- Sessions that ended before their login was finished here: the event may come first.
CREATE TABLE ended_login (
    login TEXT PRIMARY KEY,
    why   TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
