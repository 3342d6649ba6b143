-- +goose Up
-- What a holder allows less than everybody may. The latest version; the changes tell
-- how it came to be.
CREATE TABLE holder_rules (
  person  TEXT PRIMARY KEY,
  version BIGINT NOT NULL CHECK (version > 0),
  rules   TEXT NOT NULL
);

CREATE TABLE holder_rules_change (
  id       TEXT PRIMARY KEY, -- drawn by who asked for it: made once
  person   TEXT NOT NULL,
  version  BIGINT NOT NULL,
  at_ms    BIGINT NOT NULL,
  changed_by TEXT NOT NULL,
  party    TEXT NOT NULL,
  rules    TEXT NOT NULL
);
CREATE INDEX holder_rules_change_person ON holder_rules_change (person, version);

-- Rules that wait for the holder's card.
CREATE TABLE holder_rules_proposal (
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL,
  rules      TEXT NOT NULL,
  at_ms      BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  done       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX holder_rules_proposal_expires ON holder_rules_proposal (expires_ms);

-- The category of a use that counts against daily limits; '' is one that does not.
ALTER TABLE holder_use ADD COLUMN counts_as TEXT NOT NULL DEFAULT '';
