-- +goose Up
CREATE TABLE agent (
  id          TEXT PRIMARY KEY, -- pseudonym
  person      TEXT NOT NULL,    -- what the issuer calls the holder of their cards to this party
  added_at_ms BIGINT NOT NULL,
  ended_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX agent_person ON agent (person) WHERE ended_at_ms = 0;

-- Nothing here says whose phone it was.
CREATE TABLE case_file (
  number       TEXT PRIMARY KEY,
  kind         TEXT NOT NULL,
  reference    BYTEA NOT NULL, -- SHA-256 of a view's id, or zeros
  agent        TEXT NOT NULL,
  opened_at_ms BIGINT NOT NULL
);
CREATE INDEX case_file_opened ON case_file (opened_at_ms);
CREATE INDEX case_file_reference ON case_file (reference);

CREATE TABLE case_event (
  number TEXT NOT NULL,
  n      BIGINT NOT NULL,
  at_ms  BIGINT NOT NULL,
  agent  TEXT NOT NULL,
  what   TEXT NOT NULL,
  code   TEXT NOT NULL,
  PRIMARY KEY (number, n)
);
