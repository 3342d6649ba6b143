-- +goose Up
-- Serial numbers of time-stamp tokens, recorded before the token is signed. What was
-- stamped is not kept.
CREATE TABLE time_stamp (
  serial BYTEA PRIMARY KEY CHECK (length(serial) = 16),
  at_s   BIGINT NOT NULL
);
CREATE INDEX time_stamp_at ON time_stamp (at_s);
