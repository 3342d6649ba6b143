-- +goose Up
-- Append-only: nothing in this code updates or deletes a record.
CREATE TABLE store_audit (
  seq    INTEGER PRIMARY KEY,
  at_ms  INTEGER NOT NULL,
  party  TEXT NOT NULL,
  kind   TEXT NOT NULL,
  actor  TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL,
  hash   BLOB NOT NULL
) STRICT;
CREATE INDEX store_audit_object ON store_audit (object, seq);

CREATE TABLE store_audit_head (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  seq  INTEGER NOT NULL,
  hash BLOB NOT NULL
) STRICT;
INSERT INTO store_audit_head (one, seq, hash) VALUES (1, 0, x'');

CREATE TABLE store_mark (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  sandbox INTEGER NOT NULL CHECK (sandbox IN (0, 1))
) STRICT;
