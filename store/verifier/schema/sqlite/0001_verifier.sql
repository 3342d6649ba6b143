-- +goose Up
CREATE TABLE party (
  id            TEXT PRIMARY KEY,
  registration  TEXT NOT NULL,
  changed_at_ms INTEGER NOT NULL
) STRICT;

-- A request lives until its verdict was read or its time is over. due_ms is when
-- something of it is to be erased: first the claims, then the row.
CREATE TABLE request (
  id            TEXT PRIMARY KEY,
  result_id     TEXT NOT NULL,
  party         TEXT NOT NULL,
  nonce         TEXT NOT NULL,
  jws           TEXT NOT NULL,
  channel       TEXT NOT NULL,
  match_number  TEXT NOT NULL,
  return_url    TEXT NOT NULL,
  issued_at_ms  INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('waiting', 'opened', 'done')),
  phone         BLOB,
  opened_at_ms  INTEGER NOT NULL DEFAULT 0,
  undecided     TEXT NOT NULL DEFAULT '',
  outcome       TEXT,
  claims        TEXT,
  response_code BLOB,
  code_until_ms INTEGER NOT NULL DEFAULT 0,
  due_ms        INTEGER NOT NULL,
  CHECK ((state = 'done') = (outcome IS NOT NULL)),
  CHECK (state <> 'waiting' OR phone IS NULL)
) STRICT;
CREATE INDEX request_due ON request (due_ms);

-- A look-up table instead of a unique constraint.
CREATE TABLE request_result (
  result_id TEXT PRIMARY KEY,
  id        TEXT NOT NULL
) STRICT;

-- Whose certificate it is, as the issuer told, once.
CREATE TABLE holder (
  certificate BLOB PRIMARY KEY CHECK (length(certificate) = 32),
  person      TEXT NOT NULL,
  asked_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX holder_person ON holder (person);

-- Each person's history: what was agreed to and what was refused. Claims by name
-- only, never by value.
CREATE TABLE holder_use (
  certificate BLOB NOT NULL,
  at_ms       INTEGER NOT NULL,
  request     TEXT NOT NULL,
  details     TEXT NOT NULL,
  receipt     TEXT NOT NULL,
  PRIMARY KEY (certificate, at_ms, request)
) STRICT;

-- Ids that may be used once: client assertions, grants, nonces.
CREATE TABLE used_id (
  what     TEXT NOT NULL,
  id       TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (what, id)
) STRICT;
CREATE INDEX used_id_until ON used_id (until_ms);

-- The highest CRL number and feed sequence ever seen.
CREATE TABLE mark (
  name    TEXT PRIMARY KEY,
  highest INTEGER NOT NULL
) STRICT;

