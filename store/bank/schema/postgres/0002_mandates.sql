-- +goose Up
-- A customer's permission that a creditor takes money from the account.
CREATE TABLE mandate (
  id         TEXT PRIMARY KEY,           -- the creditor's choice
  creditor   TEXT NOT NULL,
  state      TEXT NOT NULL,              -- asked, granted, active, refused, lapsed, ended
  why        TEXT NOT NULL DEFAULT '',
  ended_by   TEXT NOT NULL DEFAULT '',
  holder     TEXT NOT NULL,              -- JSON; '' once a wish came to nothing
  limit_once BIGINT NOT NULL,
  limit_day  BIGINT NOT NULL,
  valid_ms   BIGINT NOT NULL,
  back       TEXT NOT NULL,
  sub        TEXT NOT NULL DEFAULT '',
  account    TEXT NOT NULL DEFAULT '',
  document   BYTEA,
  signature  BYTEA,
  evidence   TEXT NOT NULL DEFAULT '',
  code       BYTEA,                       -- SHA-256 of the one-time code
  asked_ms   BIGINT NOT NULL,
  granted_ms BIGINT NOT NULL DEFAULT 0,
  ended_ms   BIGINT NOT NULL DEFAULT 0,
  tell_ms    BIGINT NOT NULL DEFAULT 0  -- when the creditor is to be told of the end; 0: it knows
);
CREATE INDEX mandate_sub ON mandate (sub) WHERE sub <> '';
CREATE INDEX mandate_waits ON mandate (asked_ms) WHERE state IN ('asked', 'granted');
CREATE INDEX mandate_tell ON mandate (tell_ms) WHERE tell_ms > 0;

-- Ledgers of accounts: insert-only, each line with the balance after it.
CREATE TABLE entry (
  account TEXT NOT NULL,
  seq     BIGINT NOT NULL,
  at_ms   BIGINT NOT NULL,
  kind    TEXT NOT NULL,
  amount  BIGINT NOT NULL,
  balance BIGINT NOT NULL CHECK (balance >= 0),
  key     TEXT NOT NULL,                 -- makes a repeat change nothing
  mandate TEXT NOT NULL DEFAULT '',
  about   TEXT NOT NULL DEFAULT '',      -- of a charge: the creditor
  PRIMARY KEY (account, seq)
);
CREATE UNIQUE INDEX entry_key ON entry (account, key);
CREATE INDEX entry_about ON entry (account, about, at_ms) WHERE about <> '';
