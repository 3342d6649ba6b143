-- +goose Up
CREATE TABLE resident (
  id                   TEXT PRIMARY KEY,
  municipality         TEXT NOT NULL,
  household            TEXT NOT NULL,
  name                 TEXT NOT NULL,
  name_original        TEXT NOT NULL,
  name_substitution    TEXT NOT NULL,
  alias                TEXT NOT NULL,
  kana                 TEXT NOT NULL,
  birth                TEXT NOT NULL,
  sex                  TEXT NOT NULL,
  address              TEXT NOT NULL,
  address_original     TEXT NOT NULL,
  address_substitution TEXT NOT NULL,
  protected            INTEGER NOT NULL CHECK (protected IN (0, 1)),
  contact_channel      TEXT NOT NULL,
  contact_address      TEXT NOT NULL,
  died                 INTEGER NOT NULL CHECK (died IN (0, 1)),
  registered_at_ms     INTEGER NOT NULL,
  changed_at_ms        INTEGER NOT NULL,
  request_hash         BLOB NOT NULL,
  version              INTEGER NOT NULL
) STRICT;

-- request and papers hold certificates and requests, never a secret of a card.
CREATE TABLE card (
  resident      TEXT NOT NULL REFERENCES resident (id),
  id            TEXT NOT NULL,
  state         TEXT NOT NULL,
  signature     INTEGER NOT NULL CHECK (signature IN (0, 1)),
  lost          INTEGER NOT NULL CHECK (lost IN (0, 1)),
  request       BLOB,
  papers        BLOB,
  not_after_ms  INTEGER,
  ordered_at_ms INTEGER NOT NULL,
  done_at_ms    INTEGER,
  trouble       TEXT NOT NULL,
  PRIMARY KEY (resident, id)
) STRICT;

CREATE TABLE event (
  resident     TEXT NOT NULL REFERENCES resident (id),
  id           TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  state        TEXT NOT NULL,
  message      BLOB NOT NULL,
  request_hash BLOB NOT NULL,
  at_ms        INTEGER NOT NULL,
  done_at_ms   INTEGER,
  trouble      TEXT NOT NULL,
  PRIMARY KEY (resident, id),
  UNIQUE (resident, seq)
) STRICT;

-- Whose an id is: a lookup table instead of a constraint over all residents.
CREATE TABLE card_owner  (card  TEXT PRIMARY KEY, resident TEXT NOT NULL) STRICT;
CREATE TABLE event_owner (event TEXT PRIMARY KEY, resident TEXT NOT NULL) STRICT;

CREATE TABLE work (
  resident TEXT PRIMARY KEY REFERENCES resident (id),
  due_ms   INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  trouble  TEXT NOT NULL
) STRICT;
CREATE INDEX work_due ON work (due_ms);
