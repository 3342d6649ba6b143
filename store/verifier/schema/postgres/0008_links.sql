-- +goose Up
-- Whose a grant is, so that they see it and end it; what was given, by name; when it was
-- last used, and when it ended. A grant from before has nobody's name until its time is
-- over, which is twelve hours.
ALTER TABLE oidc_grant ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE oidc_grant ADD COLUMN given TEXT NOT NULL DEFAULT '';
ALTER TABLE oidc_grant ADD COLUMN used_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE oidc_grant ADD COLUMN ended_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX oidc_grant_person ON oidc_grant (person);
