-- +goose Up
-- A guardian's consent to what a minor signed, and the invitation to it.
CREATE TABLE consent (
  subject    TEXT PRIMARY KEY, -- id of what the minor signed
  minor      TEXT NOT NULL,    -- sub
  link       BYTEA,             -- SHA-256 of the invitation; NULL until one is made
  until_ms   BIGINT NOT NULL,
  guardian   TEXT NOT NULL DEFAULT '', -- sub of who took the invitation
  id         TEXT NOT NULL DEFAULT '', -- what follows is '' until they signed
  attributes TEXT NOT NULL DEFAULT '', -- JSON
  document   BYTEA,
  signature  BYTEA,
  record     TEXT NOT NULL DEFAULT '', -- JSON
  signed_ms  BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX consent_link ON consent (link) WHERE link IS NOT NULL;
CREATE INDEX consent_guardian ON consent (guardian) WHERE guardian <> '';

DROP INDEX line_slot;
-- Five lines a person, whoever asks at once.
CREATE UNIQUE INDEX line_slot ON line (sub, slot) WHERE state IN ('awaiting', 'signed', 'active');
CREATE INDEX line_awaiting ON line (due_ms) WHERE state = 'awaiting';
