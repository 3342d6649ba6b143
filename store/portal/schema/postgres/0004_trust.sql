-- +goose Up
-- What lets the portal ask the issuer about people who trust each other, for who is
-- logged in, while the session lasts.
ALTER TABLE session ADD COLUMN trust_grant TEXT NOT NULL DEFAULT '';
