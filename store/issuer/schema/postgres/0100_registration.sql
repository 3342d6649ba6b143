-- +goose Up
-- What the registration authority must not forget. Times are milliseconds since
-- 1970, 0 for "has not happened". Persons have the register's random id.
CREATE TABLE person (
  id                   TEXT PRIMARY KEY,
  name                 TEXT NOT NULL,
  name_substitution    TEXT NOT NULL,
  sex                  TEXT NOT NULL,
  birth_date           TEXT NOT NULL,
  address              TEXT NOT NULL,
  address_substitution TEXT NOT NULL,
  municipality         TEXT NOT NULL,
  prefecture           TEXT NOT NULL,
  city                 TEXT NOT NULL,
  channel              TEXT NOT NULL,
  contact              TEXT NOT NULL,
  new_channel          TEXT NOT NULL,
  new_contact          TEXT NOT NULL,
  contact_from_ms      BIGINT NOT NULL,
  died                 BIGINT NOT NULL,
  as_of_ms             BIGINT NOT NULL,
  card                 TEXT NOT NULL,
  open_enrolment       TEXT NOT NULL,
  phone                TEXT NOT NULL
);

CREATE TABLE card (
  id             TEXT PRIMARY KEY,
  person         TEXT NOT NULL,
  holder         TEXT NOT NULL,
  request_sha256 BYTEA NOT NULL,
  auth_serial    BYTEA NOT NULL,
  sign_serial    BYTEA NOT NULL,
  municipality   TEXT NOT NULL,
  prefecture     TEXT NOT NULL,
  city           TEXT NOT NULL,
  issued_at_ms   BIGINT NOT NULL,
  not_after_ms   BIGINT NOT NULL,
  issued         BIGINT NOT NULL,
  ended          BIGINT NOT NULL
);
CREATE INDEX card_person ON card (person, issued_at_ms);

CREATE TABLE enrolment (
  id                   TEXT PRIMARY KEY,
  person               TEXT NOT NULL,
  holder               TEXT NOT NULL,
  state                TEXT NOT NULL CHECK (state IN ('applied', 'issued', 'registered', 'ended')),
  application_sha256   BYTEA NOT NULL,
  card                 TEXT NOT NULL,
  device_key           BYTEA NOT NULL,
  nonce                BYTEA NOT NULL,
  lock_code_salt       BYTEA NOT NULL,
  element              BYTEA NOT NULL,
  reset_counter        BIGINT NOT NULL,
  manufacturer         TEXT NOT NULL,
  brand                TEXT NOT NULL,
  model                TEXT NOT NULL,
  applied_at_ms        BIGINT NOT NULL,
  expires_at_ms        BIGINT NOT NULL,
  auth_key             BYTEA NOT NULL,
  sign_key             BYTEA NOT NULL,
  auth_serial          BYTEA NOT NULL,
  sign_serial          BYTEA NOT NULL,
  not_after_ms         BIGINT NOT NULL,
  registered_at_ms     BIGINT NOT NULL,
  lock_code_verifier   BYTEA NOT NULL,
  birth_date           TEXT NOT NULL,
  ctr                  BIGINT NOT NULL,
  last_check_in_ms     BIGINT NOT NULL,
  last_unlock_ms       BIGINT NOT NULL,
  lost_since_ms        BIGINT NOT NULL,
  silent_since_ms      BIGINT NOT NULL,
  suspected_since_ms   BIGINT NOT NULL,
  done_ms              BIGINT NOT NULL,
  due_ms               BIGINT NOT NULL,
  ended                TEXT NOT NULL,
  ended_at_ms          BIGINT NOT NULL,
  receipt              TEXT NOT NULL
);
CREATE INDEX enrolment_due ON enrolment (due_ms) WHERE due_ms > 0;
CREATE INDEX enrolment_birth ON enrolment (birth_date) WHERE state = 'registered';
CREATE INDEX enrolment_element ON enrolment (element) WHERE state <> 'ended';
CREATE INDEX enrolment_receipt ON enrolment (receipt) WHERE receipt <> '';

-- The signed application, kept as evidence.
CREATE TABLE application (
  enrolment TEXT PRIMARY KEY,
  cms       BYTEA NOT NULL
);

-- Whose a serial number is. A row is written before anything is signed.
CREATE TABLE certificate_subject (
  serial         BYTEA PRIMARY KEY,
  authority      TEXT NOT NULL,
  person         TEXT NOT NULL,
  subject        TEXT NOT NULL,
  phone          BIGINT NOT NULL,
  prepared_at_ms BIGINT NOT NULL
);
CREATE INDEX certificate_subject_person ON certificate_subject (person, prepared_at_ms);
CREATE INDEX certificate_subject_subject ON certificate_subject (subject, prepared_at_ms);

-- Look-up tables: one owner each, for ever.
CREATE TABLE certified_key (
  spki_sha256 BYTEA PRIMARY KEY,
  subject     TEXT NOT NULL
);
CREATE TABLE application_nonce (
  nonce     TEXT PRIMARY KEY,
  enrolment TEXT NOT NULL,
  at_ms     BIGINT NOT NULL
);

-- Answered check-ins, for as long as the same message may come again.
CREATE TABLE check_in (
  enrolment TEXT NOT NULL,
  sha256    BYTEA NOT NULL,
  at_ms     BIGINT NOT NULL,
  answer    BYTEA NOT NULL,
  PRIMARY KEY (enrolment, sha256)
);

CREATE TABLE register_event (
  id             TEXT PRIMARY KEY,
  person         TEXT NOT NULL,
  request_sha256 BYTEA NOT NULL,
  at_ms          BIGINT NOT NULL,
  changed        BIGINT NOT NULL
);

-- key is an HMAC of birth date and source.
CREATE TABLE lock_code_try (
  key   BYTEA NOT NULL,
  id    TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (key, id)
);
CREATE INDEX lock_code_try_at ON lock_code_try (at_ms);

CREATE TABLE assertion (
  party      TEXT NOT NULL,
  id         TEXT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (party, id)
);
CREATE INDEX assertion_expires ON assertion (expires_ms);

CREATE TABLE pairwise (
  verifier TEXT NOT NULL,
  id       TEXT NOT NULL,
  person   TEXT NOT NULL,
  PRIMARY KEY (verifier, id)
);

-- Every question about a person; the person sees them.
CREATE TABLE verifier_query (
  person   TEXT NOT NULL,
  id       TEXT NOT NULL,
  at_ms    BIGINT NOT NULL,
  verifier TEXT NOT NULL,
  what     TEXT NOT NULL,
  claims   TEXT NOT NULL,
  refused  TEXT NOT NULL,
  PRIMARY KEY (person, id)
);
CREATE INDEX verifier_query_at ON verifier_query (person, at_ms);

CREATE TABLE notice (
  id       TEXT PRIMARY KEY,
  person   TEXT NOT NULL,
  at_ms    BIGINT NOT NULL,
  channel  TEXT NOT NULL,
  contact  TEXT NOT NULL,
  kind     TEXT NOT NULL,
  title_ja TEXT NOT NULL,
  body_ja  TEXT NOT NULL,
  title_en TEXT NOT NULL,
  body_en  TEXT NOT NULL
);
CREATE INDEX notice_at ON notice (at_ms, id);
