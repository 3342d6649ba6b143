-- +goose Up
-- A guardian's consent to what a minor signed, and the invitation to it.
CREATE TABLE consent (
  subject    TEXT PRIMARY KEY, -- id of what the minor signed
  minor      TEXT NOT NULL,    -- sub
  link       BLOB,             -- SHA-256 of the invitation; NULL until one is made
  until_ms   INTEGER NOT NULL,
  guardian   TEXT NOT NULL DEFAULT '', -- sub of who took the invitation
  id         TEXT NOT NULL DEFAULT '', -- what follows is '' until they signed
  attributes TEXT NOT NULL DEFAULT '', -- JSON
  document   BLOB,
  signature  BLOB,
  record     TEXT NOT NULL DEFAULT '', -- JSON
  signed_ms  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX consent_link ON consent (link) WHERE link IS NOT NULL;
CREATE INDEX consent_guardian ON consent (guardian) WHERE guardian <> '';

DROP INDEX application_person;
-- One account of a product a person, whoever asks at once.
CREATE UNIQUE INDEX application_person ON application (sub, product) WHERE state IN ('awaiting', 'reviewing', 'opened');
CREATE INDEX application_awaiting ON application (due_ms) WHERE state = 'awaiting';
