-- +goose Up
-- The days after an opening, in which it may be undone, and the account held.
ALTER TABLE application ADD COLUMN cool_ms INTEGER NOT NULL DEFAULT 0; -- until when; 0 once that is over
ALTER TABLE application ADD COLUMN held_ms INTEGER NOT NULL DEFAULT 0; -- since when nothing goes out; 0: it does
ALTER TABLE application ADD COLUMN hold BLOB;                          -- SHA-256 of the link in the bank's last letter
CREATE INDEX application_cool ON application (cool_ms) WHERE cool_ms > 0;
CREATE UNIQUE INDEX application_hold ON application (hold) WHERE hold IS NOT NULL;

-- What was signed about an application, beside it.
CREATE TABLE paper (
  id          TEXT PRIMARY KEY,
  application TEXT NOT NULL,
  kind        TEXT NOT NULL, -- release
  sub         TEXT NOT NULL, -- of who signed
  attributes  TEXT NOT NULL, -- JSON
  document    BLOB NOT NULL,
  signature   BLOB NOT NULL,
  record      TEXT NOT NULL, -- JSON
  at_ms       INTEGER NOT NULL
) STRICT;
CREATE INDEX paper_application ON paper (application);
CREATE INDEX paper_sub ON paper (sub);

-- Letters for the post.
CREATE TABLE outbox (
  n        INTEGER PRIMARY KEY,
  at_ms    INTEGER NOT NULL,
  address  TEXT NOT NULL,
  letter   TEXT NOT NULL, -- JSON
  erase_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_erase ON outbox (erase_ms);
