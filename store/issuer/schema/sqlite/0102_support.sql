-- +goose Up
-- Open support numbers, ten minutes each: codes, and whose they are. The number is an HMAC only.
CREATE TABLE support_number (
  enrolment      TEXT PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  mac            BLOB NOT NULL UNIQUE,
  message        BLOB NOT NULL,
  draw           INTEGER NOT NULL,
  ctr            INTEGER NOT NULL,
  made_at_ms     INTEGER NOT NULL,
  ends_at_ms     INTEGER NOT NULL,
  stage          TEXT NOT NULL,
  error          TEXT NOT NULL,
  pin_tries      INTEGER NOT NULL,
  password_tries INTEGER NOT NULL,
  biometrics     TEXT NOT NULL
) STRICT;
CREATE INDEX support_number_ends ON support_number (ends_at_ms);

-- Which agent of a helpdesk looked: a pseudonym of the helpdesk's.
ALTER TABLE verifier_query ADD COLUMN agent TEXT NOT NULL DEFAULT '';
