-- +goose Up
-- Append-only: nothing in this code updates or deletes a record. In production
-- the role that serves has no UPDATE or DELETE on store_audit (docs/operations).
CREATE TABLE store_audit (
  seq    BIGINT PRIMARY KEY,
  at_ms  BIGINT NOT NULL,
  party  TEXT NOT NULL,
  kind   TEXT NOT NULL,
  actor  TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash   BYTEA NOT NULL
);
CREATE INDEX store_audit_object ON store_audit (object, seq);

CREATE TABLE store_audit_head (
  one  BIGINT PRIMARY KEY CHECK (one = 1),
  seq  BIGINT NOT NULL,
  hash BYTEA NOT NULL
);
INSERT INTO store_audit_head (one, seq, hash) VALUES (1, 0, '');

CREATE TABLE store_mark (
  one     BIGINT PRIMARY KEY CHECK (one = 1),
  sandbox BIGINT NOT NULL CHECK (sandbox IN (0, 1))
);
