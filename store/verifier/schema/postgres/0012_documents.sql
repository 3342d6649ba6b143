-- +goose Up
-- A request may be about several documents, in their order.
ALTER TABLE request_document ADD COLUMN place INTEGER NOT NULL DEFAULT 1;
ALTER TABLE request_document DROP CONSTRAINT request_document_pkey;
ALTER TABLE request_document ADD PRIMARY KEY (request, place);
