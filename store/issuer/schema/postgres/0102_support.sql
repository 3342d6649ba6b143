-- +goose Up
-- Open support numbers, ten minutes each: codes, and whose they are. The number is an HMAC only.
CREATE TABLE support_number (
  enrolment      TEXT PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  mac            BYTEA NOT NULL UNIQUE,
  message        BYTEA NOT NULL,
  draw           BIGINT NOT NULL,
  ctr            BIGINT NOT NULL,
  made_at_ms     BIGINT NOT NULL,
  ends_at_ms     BIGINT NOT NULL,
  stage          TEXT NOT NULL,
  error          TEXT NOT NULL,
  pin_tries      BIGINT NOT NULL,
  password_tries BIGINT NOT NULL,
  biometrics     TEXT NOT NULL
);
CREATE INDEX support_number_ends ON support_number (ends_at_ms);

-- Which agent of a helpdesk looked: a pseudonym of the helpdesk's.
ALTER TABLE verifier_query ADD COLUMN agent TEXT NOT NULL DEFAULT '';
