-- +goose Up
-- Signatures of the last days that open an account: under a keyed hash of the person, of no
-- party, and of no request.
CREATE TABLE account_opening (
  person   BLOB NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX account_opening_person ON account_opening (person);
CREATE INDEX account_opening_until ON account_opening (until_ms);
