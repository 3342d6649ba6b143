-- +goose Up
-- Under which name the helpdesk is told of a case, and when it is to be: 0 once it was.
ALTER TABLE not_me ADD COLUMN report TEXT NOT NULL DEFAULT '';
ALTER TABLE not_me ADD COLUMN due_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE not_me ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX not_me_due ON not_me (due_ms) WHERE due_ms > 0;
