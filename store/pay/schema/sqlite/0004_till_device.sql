-- +goose Up
-- Browsers that were signed in at a till: each has a count of its own.
CREATE TABLE till_device (
  device    TEXT PRIMARY KEY,      -- SHA-256 of what its cookie holds
  shop      TEXT NOT NULL REFERENCES till (shop),
  tries     INTEGER NOT NULL DEFAULT 0,
  locked_ms INTEGER NOT NULL DEFAULT 0,
  seen_ms   INTEGER NOT NULL       -- signed in last
) STRICT;
CREATE INDEX till_device_shop ON till_device (shop, seen_ms);
