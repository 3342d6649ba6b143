-- +goose Up
-- How often the phone was asked in a login.
ALTER TABLE oidc_login ADD COLUMN asks INTEGER NOT NULL DEFAULT 0;

-- A document that a relying party brought over OpenID Connect, until somebody signs it.
-- Content is empty once it was signed: then it is with the request (request_document).
CREATE TABLE oidc_sign_transaction (
  id        TEXT PRIMARY KEY,
  client    TEXT NOT NULL,
  key_hash  BLOB,
  body_hash BLOB NOT NULL,
  about     TEXT NOT NULL,
  content   BLOB NOT NULL,
  used_by   TEXT NOT NULL DEFAULT '',
  until_ms  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX oidc_sign_transaction_key ON oidc_sign_transaction (client, key_hash);
CREATE INDEX oidc_sign_transaction_until ON oidc_sign_transaction (until_ms);
