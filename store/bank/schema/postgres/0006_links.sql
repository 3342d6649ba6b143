-- +goose Up
-- Links in the bank's letters about an account: each holds it as long as its opening may be undone.
CREATE TABLE hold_link (
  link        BYTEA PRIMARY KEY, -- SHA-256
  application TEXT NOT NULL
);
CREATE INDEX hold_link_application ON hold_link (application);
INSERT INTO hold_link (link, application) SELECT hold, id FROM application WHERE hold IS NOT NULL;
DROP INDEX application_hold;
ALTER TABLE application DROP COLUMN hold;

-- What goes out of a customer's accounts is summed over all of them.
CREATE INDEX application_sub ON application (sub);
