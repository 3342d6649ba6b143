-- +goose Up
-- With what the issuer is asked to stop the phone for a case, until it did, or said why it
-- never will: and then hold_code. hold_due_ms is when it is asked next, 0 for never.
ALTER TABLE not_me ADD COLUMN hold_holder TEXT NOT NULL DEFAULT '';
ALTER TABLE not_me ADD COLUMN hold_grant TEXT NOT NULL DEFAULT '';
ALTER TABLE not_me ADD COLUMN hold_due_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE not_me ADD COLUMN hold_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE not_me ADD COLUMN hold_code TEXT NOT NULL DEFAULT '';
CREATE INDEX not_me_hold_due ON not_me (hold_due_ms) WHERE hold_due_ms > 0;
-- Why the helpdesk never takes the case in; '' while that is not known.
ALTER TABLE not_me ADD COLUMN report_code TEXT NOT NULL DEFAULT '';
