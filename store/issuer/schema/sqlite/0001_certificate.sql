-- +goose Up
CREATE TABLE authority (
  authority   TEXT NOT NULL,
  generation  INTEGER NOT NULL,
  algorithm   TEXT NOT NULL,
  certificate BLOB NOT NULL,
  PRIMARY KEY (authority, generation)
) STRICT;

-- A row is written before anything is signed. status 'prepared' is a draft: to
-- everybody who asks, that certificate was never issued.
CREATE TABLE certificate (
  serial         BLOB PRIMARY KEY CHECK (length(serial) = 16),
  authority      TEXT NOT NULL,
  generation     INTEGER NOT NULL,
  purpose        TEXT NOT NULL,
  crl_partition  TEXT NOT NULL,
  holder         TEXT NOT NULL,
  reference      TEXT NOT NULL,
  key_sha256     BLOB NOT NULL,
  not_before_ms  INTEGER NOT NULL,
  not_after_ms   INTEGER NOT NULL,
  first_hold     TEXT NOT NULL,
  tbs            BLOB,
  certificate    BLOB,
  prepared_at_ms INTEGER NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('prepared', 'good', 'held', 'revoked')),
  reason         INTEGER NOT NULL DEFAULT 0,
  since_ms       INTEGER NOT NULL DEFAULT 0,
  invalid_ms     INTEGER NOT NULL DEFAULT 0,
  good_since_ms  INTEGER NOT NULL DEFAULT 0,
  changed_seq    INTEGER NOT NULL DEFAULT 0,
  changed_at_ms  INTEGER NOT NULL DEFAULT 0,
  CHECK ((status = 'prepared') = (certificate IS NULL))
) STRICT;
CREATE INDEX certificate_holder ON certificate (holder, prepared_at_ms);
CREATE INDEX certificate_listed ON certificate (authority, generation, crl_partition, serial) WHERE status IN ('held', 'revoked');
CREATE INDEX certificate_changed ON certificate (changed_seq) WHERE changed_seq > 0;

-- A look-up table instead of a unique constraint, so that certificates can be
-- sharded by serial number and references by themselves.
CREATE TABLE certificate_reference (
  reference TEXT PRIMARY KEY,
  serial    BLOB NOT NULL
) STRICT;

-- Open holds only; what was, is in the audit chain.
CREATE TABLE hold (
  serial       BLOB NOT NULL,
  cause        TEXT NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  PRIMARY KEY (serial, cause)
) STRICT;

CREATE TABLE status_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO status_head (one, seq) VALUES (1, 0);

-- The ledger's history: each row is a certificate's state after one change.
CREATE TABLE status_change (
  seq           INTEGER PRIMARY KEY,
  at_ms         INTEGER NOT NULL,
  serial        BLOB NOT NULL,
  authority     TEXT NOT NULL,
  generation    INTEGER NOT NULL,
  crl_partition TEXT NOT NULL,
  not_after_ms  INTEGER NOT NULL,
  status        TEXT NOT NULL,
  reason        INTEGER NOT NULL,
  since_ms      INTEGER NOT NULL,
  invalid_ms    INTEGER NOT NULL,
  good_since_ms INTEGER NOT NULL
) STRICT;

-- Partition '' is the whole authority.
CREATE TABLE crl_scope (
  authority     TEXT NOT NULL,
  generation    INTEGER NOT NULL,
  crl_partition TEXT NOT NULL,
  changed_seq   INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (authority, generation, crl_partition)
) STRICT;

CREATE TABLE crl (
  authority      TEXT NOT NULL,
  generation     INTEGER NOT NULL,
  crl_partition  TEXT NOT NULL,
  number         INTEGER NOT NULL,
  this_update_ms INTEGER NOT NULL,
  next_update_ms INTEGER NOT NULL,
  shown_seq      INTEGER NOT NULL,
  der            BLOB NOT NULL,
  PRIMARY KEY (authority, generation, crl_partition)
) STRICT;
