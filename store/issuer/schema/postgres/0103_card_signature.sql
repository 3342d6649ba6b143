-- +goose Up
-- A signature certificate that a card got after its first ones.
CREATE TABLE card_signature (
  id             TEXT PRIMARY KEY,
  card           TEXT NOT NULL,
  person         TEXT NOT NULL,
  request_sha256 BYTEA NOT NULL,
  serial         BYTEA NOT NULL
);
