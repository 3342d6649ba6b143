-- +goose Up
-- What lets the portal ask the issuer about people who trust each other, for who is
-- logged in, while the session lasts.
ALTER TABLE session ADD COLUMN trust_grant TEXT NOT NULL DEFAULT '';

-- The same for being told that there are notices, and the browsers that want to know.
ALTER TABLE session ADD COLUMN notices_grant TEXT NOT NULL DEFAULT '';
CREATE TABLE push (
    endpoint   TEXT    PRIMARY KEY, -- at the browser's push service
    person     TEXT    NOT NULL,
    holder     TEXT    NOT NULL,
    p256dh     TEXT    NOT NULL,
    auth       TEXT    NOT NULL,
    since_ms   BIGINT NOT NULL
);
CREATE INDEX push_person ON push (person);
CREATE INDEX push_holder ON push (holder);
CREATE TABLE pushed (
    notice     TEXT    PRIMARY KEY,
    at_ms      BIGINT NOT NULL
);
