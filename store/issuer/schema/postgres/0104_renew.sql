-- +goose Up
-- An application for a signature certificate while the present one is good: its password is forgotten.
ALTER TABLE enrolment ADD COLUMN renews BIGINT NOT NULL DEFAULT 0;
