-- +goose Up
ALTER TABLE application ADD COLUMN product TEXT NOT NULL DEFAULT 'deposit';
UPDATE application SET choices = REPLACE(choices, '{"occupation"', '{"product":"deposit","occupation"');
DROP INDEX application_person;
-- One account of a product a person, whoever asks at once.
CREATE UNIQUE INDEX application_person ON application (sub, product) WHERE state IN ('reviewing', 'opened');
