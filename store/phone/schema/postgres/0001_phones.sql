-- +goose Up
CREATE TABLE phone (
    id          TEXT    PRIMARY KEY,
    made_at_ms  BIGINT  NOT NULL,
    record      TEXT    NOT NULL  -- JSON of phone.Record
);

CREATE TABLE enrolment (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- chosen by the phone, 128 random bits
    seq         BIGINT  NOT NULL, -- the phone's first is 1
    version     BIGINT  NOT NULL, -- raised by each step
    step        TEXT    NOT NULL,
    record      TEXT    NOT NULL, -- JSON of phone.Enrolment
    PRIMARY KEY (phone, id)
);

CREATE TABLE history (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    seq         BIGINT  NOT NULL, -- in the order in which they began
    record      TEXT    NOT NULL, -- JSON of phone.Use
    PRIMARY KEY (phone, id)
);

CREATE INDEX history_newest ON history (phone, seq);

CREATE TABLE asking (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- the request's jti
    at_ms       BIGINT  NOT NULL,
    record      TEXT    NOT NULL, -- JSON of phone.Asking
    PRIMARY KEY (phone, id)
);
