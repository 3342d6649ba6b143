-- +goose Up
-- The document of a request of kind sign, and what was signed. It is erased when the
-- request's claims are, or the request, whichever is first; at once when nothing was
-- signed.
CREATE TABLE request_document (
  request   TEXT PRIMARY KEY,
  content   BLOB NOT NULL,
  signature BLOB,
  report    TEXT,
  CHECK ((signature IS NULL) = (report IS NULL))
) STRICT;
