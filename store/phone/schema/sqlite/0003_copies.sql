-- +goose Up
-- What was signed on a phone, for its holder to keep: sealed under the phones' own key.
CREATE TABLE signed_copy (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- the request's, and which of its documents
    at_ms       INTEGER NOT NULL,
    size        INTEGER NOT NULL, -- of document and signature, before they were sealed
    about       BLOB NOT NULL,
    document    BLOB NOT NULL,
    signature   BLOB NOT NULL,
    PRIMARY KEY (phone, id)
) STRICT;
