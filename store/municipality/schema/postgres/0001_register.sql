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
  protected            BIGINT NOT NULL CHECK (protected IN (0, 1)),
  contact_channel      TEXT NOT NULL,
  contact_address      TEXT NOT NULL,
  died                 BIGINT NOT NULL CHECK (died IN (0, 1)),
  registered_at_ms     BIGINT NOT NULL,
  changed_at_ms        BIGINT NOT NULL,
  request_hash         BYTEA NOT NULL,
  version              BIGINT NOT NULL
);

-- request and papers hold certificates and requests, never a secret of a card.
CREATE TABLE card (
  resident      TEXT NOT NULL REFERENCES resident (id),
  id            TEXT NOT NULL,
  state         TEXT NOT NULL,
  signature     BIGINT NOT NULL CHECK (signature IN (0, 1)),
  lost          BIGINT NOT NULL CHECK (lost IN (0, 1)),
  request       BYTEA,
  papers        BYTEA,
  not_after_ms  BIGINT,
  ordered_at_ms BIGINT NOT NULL,
  done_at_ms    BIGINT,
  trouble       TEXT NOT NULL,
  PRIMARY KEY (resident, id)
);

CREATE TABLE event (
  resident     TEXT NOT NULL REFERENCES resident (id),
  id           TEXT NOT NULL,
  seq          BIGINT NOT NULL,
  kind         TEXT NOT NULL,
  state        TEXT NOT NULL,
  message      BYTEA NOT NULL,
  request_hash BYTEA NOT NULL,
  at_ms        BIGINT NOT NULL,
  done_at_ms   BIGINT,
  trouble      TEXT NOT NULL,
  PRIMARY KEY (resident, id),
  UNIQUE (resident, seq)
);

-- Whose an id is: a lookup table instead of a constraint over all residents.
CREATE TABLE card_owner  (card  TEXT PRIMARY KEY, resident TEXT NOT NULL);
CREATE TABLE event_owner (event TEXT PRIMARY KEY, resident TEXT NOT NULL);

CREATE TABLE work (
  resident TEXT PRIMARY KEY REFERENCES resident (id),
  due_ms   BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  trouble  TEXT NOT NULL
);
CREATE INDEX work_due ON work (due_ms);
