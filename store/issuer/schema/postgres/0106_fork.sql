-- +goose Up
-- The highest counter since a copy of the element showed itself; 0: none did.
ALTER TABLE enrolment ADD COLUMN fork_ctr BIGINT NOT NULL DEFAULT 0;
