-- +goose Up
-- What a phone that was wiped could not tell the authority yet. A factory reset leaves it.
CREATE TABLE outbox (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- the registration that is to end
    record      TEXT    NOT NULL, -- JSON of phone.Order
    PRIMARY KEY (phone, id)
) STRICT;
