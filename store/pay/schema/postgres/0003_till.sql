-- +goose Up
-- By what a till knows its code, and the tries at it.
CREATE TABLE till (
  shop      TEXT PRIMARY KEY,
  salt      BYTEA NOT NULL,
  hash      BYTEA NOT NULL,         -- argon2id
  version   BIGINT NOT NULL,      -- of the code: another one ends what was signed in
  tries     BIGINT NOT NULL DEFAULT 0,
  locked_ms BIGINT NOT NULL DEFAULT 0 -- until when nothing is compared
);

-- What a shop gave back. Lines are added only; in all it is never more than was paid.
ALTER TABLE sale ADD COLUMN refunded BIGINT NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= amount);
CREATE TABLE refund (
  id     TEXT PRIMARY KEY,         -- drawn with the form
  sale   TEXT NOT NULL REFERENCES sale (id),
  amount BIGINT NOT NULL CHECK (amount > 0),
  at_ms  BIGINT NOT NULL
);
CREATE INDEX refund_sale ON refund (sale, at_ms);
CREATE INDEX sale_shop ON sale (shop, asked_ms);
