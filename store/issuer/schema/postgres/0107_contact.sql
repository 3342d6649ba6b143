-- +goose Up
-- The register's last word on a person's address: the card may have said another since.
ALTER TABLE person ADD COLUMN register_channel TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN register_contact TEXT NOT NULL DEFAULT '';
UPDATE person SET
  register_channel = CASE WHEN new_channel <> '' THEN new_channel ELSE channel END,
  register_contact = CASE WHEN new_channel <> '' THEN new_contact ELSE contact END;
CREATE INDEX person_contact_from ON person (contact_from_ms) WHERE contact_from_ms > 0;
