-- +goose Up
-- Whose a report is that somebody made at a party: a helpdesk that works on it sees states
-- by it, and the person sees who looked. Forgotten after 90 days.
CREATE TABLE report (
  id     TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  party  TEXT NOT NULL,
  at_ms  BIGINT NOT NULL
);
CREATE INDEX report_at ON report (at_ms);
