-- +goose Up
-- A request may be about several documents, in their order.
CREATE TABLE request_documents (
  request   TEXT NOT NULL,
  place     INTEGER NOT NULL DEFAULT 1,
  content   BLOB NOT NULL,
  signature BLOB,
  report    TEXT,
  PRIMARY KEY (request, place),
  CHECK ((signature IS NULL) = (report IS NULL))
) STRICT;
INSERT INTO request_documents (request, content, signature, report) SELECT request, content, signature, report FROM request_document;
DROP TABLE request_document;
ALTER TABLE request_documents RENAME TO request_document;
