-- +goose Up
CREATE TABLE phone (
    id          TEXT    PRIMARY KEY,
    made_at_ms  INTEGER NOT NULL,
    record      TEXT    NOT NULL  -- JSON of phone.Record
) STRICT;

CREATE TABLE enrolment (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- chosen by the phone, 128 random bits
    seq         INTEGER NOT NULL, -- the phone's first is 1
    version     INTEGER NOT NULL, -- raised by each step
    step        TEXT    NOT NULL,
    record      TEXT    NOT NULL, -- JSON of phone.Enrolment
    PRIMARY KEY (phone, id)
) STRICT;

CREATE TABLE history (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    seq         INTEGER NOT NULL, -- in the order in which they began
    record      TEXT    NOT NULL, -- JSON of phone.Use
    PRIMARY KEY (phone, id)
) STRICT;

CREATE INDEX history_newest ON history (phone, seq);

CREATE TABLE asking (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- the request's jti
    at_ms       INTEGER NOT NULL,
    record      TEXT    NOT NULL, -- JSON of phone.Asking
    PRIMARY KEY (phone, id)
) STRICT;
