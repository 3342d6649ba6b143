-- +goose Up
-- The browsers that want to know when there is a notice.
CREATE TABLE push (
    endpoint   TEXT    PRIMARY KEY, -- at the browser's push service
    person     TEXT    NOT NULL,
    holder     TEXT    NOT NULL,
    p256dh     TEXT    NOT NULL,
    auth       TEXT    NOT NULL,
    since_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX push_person ON push (person);
CREATE INDEX push_holder ON push (holder);
CREATE TABLE pushed (
    notice     TEXT    PRIMARY KEY,
    at_ms      INTEGER NOT NULL
) STRICT;
