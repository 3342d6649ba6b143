-- +goose Up
-- What a developer applied for, newest only: the registration as it would be, and what the
-- operator decided. Until then the client is what oidc_client says, or nobody.
CREATE TABLE oidc_application (
	client TEXT PRIMARY KEY,
	registration TEXT NOT NULL,
	digest TEXT NOT NULL,
	state TEXT NOT NULL,
	why TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	decided_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX oidc_application_state ON oidc_application (state, decided_ms);
-- Pictures of parties by their hash, made anew from what was sent: what is registered, and
-- what is applied for.
CREATE TABLE party_logo (
	party TEXT NOT NULL,
	id TEXT NOT NULL,
	png BLOB NOT NULL,
	PRIMARY KEY (party, id)
) STRICT;
