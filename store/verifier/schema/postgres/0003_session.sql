-- +goose Up
-- Sessions that parties may have kept on a login: when the certificate is no longer
-- good, an event for the party takes the row's place.
CREATE TABLE live_session (
  id        TEXT PRIMARY KEY,
  party     TEXT NOT NULL,
  authority TEXT NOT NULL,
  serial    TEXT NOT NULL,
  until_ms  BIGINT NOT NULL
);
CREATE INDEX live_session_certificate ON live_session (authority, serial);
CREATE INDEX live_session_until ON live_session (until_ms);

-- Signed events that wait until their party has acknowledged them (RFC 8936).
CREATE TABLE security_event (
  party    TEXT NOT NULL,
  id       TEXT NOT NULL,
  at_ms    BIGINT NOT NULL,
  content  TEXT NOT NULL,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (party, id)
);
CREATE INDEX security_event_until ON security_event (until_ms);
