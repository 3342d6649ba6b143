-- +goose Up
-- Clients that a developer of the sandbox registered, with the hash of what manages each.
CREATE TABLE oidc_managed (
	client TEXT PRIMARY KEY,
	token BLOB NOT NULL,
	contact TEXT NOT NULL,
	at_ms INTEGER NOT NULL
);
-- What such a client asked for and what it was answered: no person, no token. The newest
-- of each client are kept.
CREATE TABLE oidc_traffic (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	client TEXT NOT NULL,
	endpoint TEXT NOT NULL,
	status INTEGER NOT NULL,
	error TEXT NOT NULL,
	cause TEXT NOT NULL,
	request TEXT NOT NULL,
	at_ms INTEGER NOT NULL
);
CREATE INDEX oidc_traffic_client ON oidc_traffic (client, seq);
