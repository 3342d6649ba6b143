-- +goose Up
CREATE TABLE authority (
  authority   TEXT NOT NULL,
  generation  BIGINT NOT NULL,
  algorithm   TEXT NOT NULL,
  certificate BYTEA NOT NULL,
  PRIMARY KEY (authority, generation)
);

-- A row is written before anything is signed. status 'prepared' is a draft: to
-- everybody who asks, that certificate was never issued.
CREATE TABLE certificate (
  serial         BYTEA PRIMARY KEY CHECK (length(serial) = 16),
  authority      TEXT NOT NULL,
  generation     BIGINT NOT NULL,
  purpose        TEXT NOT NULL,
  crl_partition  TEXT NOT NULL,
  holder         TEXT NOT NULL,
  reference      TEXT NOT NULL,
  key_sha256     BYTEA NOT NULL,
  not_before_ms  BIGINT NOT NULL,
  not_after_ms   BIGINT NOT NULL,
  first_hold     TEXT NOT NULL,
  tbs            BYTEA,
  certificate    BYTEA,
  prepared_at_ms BIGINT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('prepared', 'good', 'held', 'revoked')),
  reason         BIGINT NOT NULL DEFAULT 0,
  since_ms       BIGINT NOT NULL DEFAULT 0,
  invalid_ms     BIGINT NOT NULL DEFAULT 0,
  good_since_ms  BIGINT NOT NULL DEFAULT 0,
  changed_seq    BIGINT NOT NULL DEFAULT 0,
  changed_at_ms  BIGINT NOT NULL DEFAULT 0,
  CHECK ((status = 'prepared') = (certificate IS NULL))
);
CREATE INDEX certificate_holder ON certificate (holder, prepared_at_ms);
CREATE INDEX certificate_listed ON certificate (authority, generation, crl_partition, serial) WHERE status IN ('held', 'revoked');
CREATE INDEX certificate_changed ON certificate (changed_seq) WHERE changed_seq > 0;

-- A look-up table instead of a unique constraint, so that certificates can be
-- sharded by serial number and references by themselves.
CREATE TABLE certificate_reference (
  reference TEXT PRIMARY KEY,
  serial    BYTEA NOT NULL
);

-- Open holds only; what was, is in the audit chain.
CREATE TABLE hold (
  serial       BYTEA NOT NULL,
  cause        TEXT NOT NULL,
  opened_at_ms BIGINT NOT NULL,
  PRIMARY KEY (serial, cause)
);

CREATE TABLE status_head (
  one BIGINT PRIMARY KEY CHECK (one = 1),
  seq BIGINT NOT NULL
);
INSERT INTO status_head (one, seq) VALUES (1, 0);

-- The ledger's history: each row is a certificate's state after one change.
CREATE TABLE status_change (
  seq           BIGINT PRIMARY KEY,
  at_ms         BIGINT NOT NULL,
  serial        BYTEA NOT NULL,
  authority     TEXT NOT NULL,
  generation    BIGINT NOT NULL,
  crl_partition TEXT NOT NULL,
  not_after_ms  BIGINT NOT NULL,
  status        TEXT NOT NULL,
  reason        BIGINT NOT NULL,
  since_ms      BIGINT NOT NULL,
  invalid_ms    BIGINT NOT NULL,
  good_since_ms BIGINT NOT NULL
);

-- Partition '' is the whole authority.
CREATE TABLE crl_scope (
  authority     TEXT NOT NULL,
  generation    BIGINT NOT NULL,
  crl_partition TEXT NOT NULL,
  changed_seq   BIGINT NOT NULL,
  changed_at_ms BIGINT NOT NULL,
  PRIMARY KEY (authority, generation, crl_partition)
);

CREATE TABLE crl (
  authority      TEXT NOT NULL,
  generation     BIGINT NOT NULL,
  crl_partition  TEXT NOT NULL,
  number         BIGINT NOT NULL,
  this_update_ms BIGINT NOT NULL,
  next_update_ms BIGINT NOT NULL,
  shown_seq      BIGINT NOT NULL,
  der            BYTEA NOT NULL,
  PRIMARY KEY (authority, generation, crl_partition)
);
