-- +goose Up
-- A use that its holder reported at a party as not their own: who asked, when, and how it
-- ended. Nothing here says whose.
ALTER TABLE case_file ADD COLUMN state TEXT NOT NULL DEFAULT ''; -- of a report: open, taken, closed
ALTER TABLE case_file ADD COLUMN report_id TEXT NOT NULL DEFAULT '';
ALTER TABLE case_file ADD COLUMN report TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX case_file_report ON case_file (report_id) WHERE report_id <> '';
CREATE INDEX case_file_queue ON case_file (opened_at_ms) WHERE state IN ('open', 'taken');

-- Assertions of callers, until they expire: each serves once.
CREATE TABLE assertion (
  party      TEXT NOT NULL,
  id         TEXT NOT NULL,
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (party, id)
);
CREATE INDEX assertion_expires ON assertion (expires_ms);
