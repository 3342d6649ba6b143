-- +goose Up
-- An application for a signature certificate alone names the registration that it is for.
ALTER TABLE enrolment ADD COLUMN reissue_of TEXT NOT NULL DEFAULT '';
