-- +goose Up
-- What was signed on a phone, for its holder to keep: sealed under the phones' own key.
CREATE TABLE signed_copy (
    phone       TEXT    NOT NULL,
    id          TEXT    NOT NULL, -- the request's, and which of its documents
    at_ms       BIGINT NOT NULL,
    size        BIGINT NOT NULL, -- of document and signature, before they were sealed
    about       BYTEA NOT NULL,
    document    BYTEA NOT NULL,
    signature   BYTEA NOT NULL,
    PRIMARY KEY (phone, id)
);
