-- +goose Up
-- Suspensions of a good phone in ways that need nothing of the owner's in hand: those
-- of the last days count towards the limit.
CREATE TABLE suspension (
  person TEXT NOT NULL,
  id     TEXT NOT NULL,
  way    TEXT NOT NULL,
  at_ms  INTEGER NOT NULL,
  PRIMARY KEY (person, id)
) STRICT;
