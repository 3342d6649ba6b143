-- +goose Up
-- A sale at a shop's till. Nothing in it says who paid.
CREATE TABLE sale (
  id         TEXT PRIMARY KEY,
  shop       TEXT NOT NULL,
  name       TEXT NOT NULL,      -- of the shop, as it is registered
  amount     INTEGER NOT NULL CHECK (amount > 0),
  state      TEXT NOT NULL,      -- asked, paid, refused, over
  why        TEXT NOT NULL DEFAULT '',
  result     TEXT NOT NULL DEFAULT '', -- by which the verifier is asked what the phone said
  asked_ms   INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
-- One sale at a till, whoever presses what.
CREATE UNIQUE INDEX sale_till ON sale (shop) WHERE state = 'asked';
CREATE INDEX sale_due ON sale (expires_ms) WHERE state = 'asked';
