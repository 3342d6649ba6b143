-- +goose Up
-- Changes of holders' rules that the issuer is still to tell them of.
CREATE TABLE telling (
  id     TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  code   TEXT NOT NULL,
  due_ms INTEGER NOT NULL,
  tries  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX telling_due ON telling (due_ms);
