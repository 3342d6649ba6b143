-- +goose Up
-- How often the phone was asked in a login.
ALTER TABLE oidc_login ADD COLUMN asks BIGINT NOT NULL DEFAULT 0;

-- A document that a relying party brought over OpenID Connect, until somebody signs it.
-- Content is empty once it was signed: then it is with the request (request_document).
CREATE TABLE oidc_sign_transaction (
  id        TEXT PRIMARY KEY,
  client    TEXT NOT NULL,
  key_hash  BYTEA,
  body_hash BYTEA NOT NULL,
  about     TEXT NOT NULL,
  content   BYTEA NOT NULL,
  used_by   TEXT NOT NULL DEFAULT '',
  until_ms  BIGINT NOT NULL
);
CREATE UNIQUE INDEX oidc_sign_transaction_key ON oidc_sign_transaction (client, key_hash);
CREATE INDEX oidc_sign_transaction_until ON oidc_sign_transaction (until_ms);
