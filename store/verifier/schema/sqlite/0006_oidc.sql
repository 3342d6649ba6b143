-- +goose Up
-- Relying parties that speak OpenID Connect. Secrets are in the registration as
-- SHA-256 only.
CREATE TABLE oidc_client (
  id            TEXT PRIMARY KEY,
  registration  TEXT NOT NULL,
  changed_at_ms INTEGER NOT NULL
) STRICT;

-- A relying party's request under way, and the browser that began it.
CREATE TABLE oidc_login (
  id       TEXT PRIMARY KEY,
  browser  BLOB,
  content  TEXT NOT NULL,
  claimed  INTEGER NOT NULL DEFAULT 0,
  at_ms    INTEGER NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_login_browser ON oidc_login (browser);
CREATE INDEX oidc_login_until ON oidc_login (until_ms);

-- What a person's approval gave to a client. An ended grant keeps its ids and nothing
-- else, so that its tokens go on being recognised.
CREATE TABLE oidc_grant (
  id        TEXT PRIMARY KEY,
  client    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  session   TEXT NOT NULL,
  sid       TEXT NOT NULL,
  content   TEXT NOT NULL,
  code_used INTEGER NOT NULL DEFAULT 0,
  ended     INTEGER NOT NULL DEFAULT 0,
  why       TEXT NOT NULL DEFAULT '',
  begun_ms  INTEGER NOT NULL,
  until_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_grant_session ON oidc_grant (session);
CREATE INDEX oidc_grant_sid ON oidc_grant (sid);
CREATE INDEX oidc_grant_until ON oidc_grant (until_ms);

-- Hashes by which grants and logins are found: codes, refresh tokens (the latest one
-- and those before it), handles of pushed requests.
CREATE TABLE oidc_handle (
  hash     BLOB PRIMARY KEY CHECK (length(hash) = 32),
  kind     TEXT NOT NULL CHECK (kind IN ('code', 'refresh', 'pushed')),
  whose    TEXT NOT NULL,
  latest   INTEGER NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_handle_until ON oidc_handle (until_ms);

CREATE TABLE oidc_token (
  hash     BLOB PRIMARY KEY CHECK (length(hash) = 32),
  grant_id TEXT NOT NULL,
  content  TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_token_until ON oidc_token (until_ms);

-- Logouts that clients are still to be told of.
CREATE TABLE oidc_notice (
  id       TEXT PRIMARY KEY,
  client   TEXT NOT NULL,
  sid      TEXT NOT NULL,
  sub      TEXT NOT NULL,
  tries    INTEGER NOT NULL,
  due_ms   INTEGER NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_notice_due ON oidc_notice (due_ms);
CREATE INDEX oidc_token_grant ON oidc_token (grant_id);
