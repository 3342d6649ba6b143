-- +goose Up
CREATE TABLE account (
    person          TEXT    PRIMARY KEY,
    name            TEXT    NOT NULL, -- as the holder released it in a login
    name_as_of_ms   BIGINT  NOT NULL,
    created_at_ms   BIGINT  NOT NULL,
    snapshot_at_ms  BIGINT  NOT NULL DEFAULT 0,
    snapshot        TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE login (
    browser         BYTEA   PRIMARY KEY, -- SHA-256 of the cookie
    channel         TEXT    NOT NULL,
    result_id       TEXT    NOT NULL,
    request_uri     TEXT    NOT NULL,
    match_number    TEXT    NOT NULL,
    begun_at_ms     BIGINT  NOT NULL,
    expires_at_ms   BIGINT  NOT NULL,
    finished        BIGINT  NOT NULL DEFAULT 0
);

CREATE TABLE session (
    token           BYTEA   PRIMARY KEY, -- SHA-256 of the cookie
    person          TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    acr             TEXT    NOT NULL,
    begun_at_ms     BIGINT  NOT NULL,
    ends_at_ms      BIGINT  NOT NULL,
    ended_at_ms     BIGINT  NOT NULL DEFAULT 0
);
