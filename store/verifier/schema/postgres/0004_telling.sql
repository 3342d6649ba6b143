-- +goose Up
-- Changes of holders' rules that the issuer is still to tell them of.
CREATE TABLE telling (
  id     TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  code   TEXT NOT NULL,
  due_ms BIGINT NOT NULL,
  tries  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX telling_due ON telling (due_ms);
