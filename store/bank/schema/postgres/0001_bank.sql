-- +goose Up
-- An application with its record of identity, and the account that came of it.
CREATE TABLE application (
  id           TEXT PRIMARY KEY,
  sub          TEXT NOT NULL,    -- pairwise: what the provider calls this person to this bank
  state        TEXT NOT NULL,    -- reviewing, opened, stopped, closed
  why          TEXT NOT NULL DEFAULT '',
  choices      TEXT NOT NULL,    -- JSON
  attributes   TEXT NOT NULL,    -- JSON
  document     BYTEA NOT NULL,
  signature    BYTEA NOT NULL,
  record       TEXT NOT NULL,    -- JSON
  received_ms  BIGINT NOT NULL,
  due_ms       BIGINT NOT NULL,
  review_ms    BIGINT NOT NULL,
  number       TEXT NOT NULL DEFAULT '',
  opened_ms    BIGINT NOT NULL DEFAULT 0,
  closed_ms    BIGINT NOT NULL DEFAULT 0,
  retention_ms BIGINT NOT NULL DEFAULT 0 -- 0 while the contract runs
);
-- One account a person, whoever asks at once.
CREATE UNIQUE INDEX application_person ON application (sub) WHERE state IN ('reviewing', 'opened');
CREATE INDEX application_review ON application (review_ms) WHERE state = 'reviewing';
CREATE UNIQUE INDEX application_number ON application (number) WHERE number <> '';
CREATE INDEX application_retention ON application (retention_ms) WHERE retention_ms > 0;

-- Account numbers are drawn once, also after an account is erased.
CREATE TABLE counter (
  what TEXT PRIMARY KEY,
  n    BIGINT NOT NULL
);
