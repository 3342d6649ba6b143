-- +goose Up
-- An application for a signature certificate while the present one is good: its password is forgotten.
ALTER TABLE enrolment ADD COLUMN renews INTEGER NOT NULL DEFAULT 0;
