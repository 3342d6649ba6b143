-- +goose Up
ALTER TABLE resident ADD COLUMN emigrated BIGINT NOT NULL DEFAULT 0 CHECK (emigrated IN (0, 1));

-- A signature certificate onto a card that the person has is an order too: onto names that card.
ALTER TABLE card ADD COLUMN onto TEXT NOT NULL DEFAULT '';
ALTER TABLE card ADD COLUMN waits BIGINT NOT NULL DEFAULT 0 CHECK (waits IN (0, 1));
ALTER TABLE card ADD COLUMN sign_ended BIGINT NOT NULL DEFAULT 0 CHECK (sign_ended IN (0, 1));

-- on_ms: the beginning of the day in Japan on which a planned event is carried out.
ALTER TABLE event ADD COLUMN on_ms BIGINT;
ALTER TABLE event ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
