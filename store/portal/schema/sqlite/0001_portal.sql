-- +goose Up
CREATE TABLE account (
    person          TEXT    PRIMARY KEY,
    name            TEXT    NOT NULL, -- as the holder released it in a login
    name_as_of_ms   INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    snapshot_at_ms  INTEGER NOT NULL DEFAULT 0,
    snapshot        TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE login (
    browser         BLOB    PRIMARY KEY, -- SHA-256 of the cookie
    channel         TEXT    NOT NULL,
    result_id       TEXT    NOT NULL,
    request_uri     TEXT    NOT NULL,
    match_number    TEXT    NOT NULL,
    begun_at_ms     INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL,
    finished        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE session (
    token           BLOB    PRIMARY KEY, -- SHA-256 of the cookie
    person          TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    acr             TEXT    NOT NULL,
    begun_at_ms     INTEGER NOT NULL,
    ends_at_ms      INTEGER NOT NULL,
    ended_at_ms     INTEGER NOT NULL DEFAULT 0
) STRICT;
