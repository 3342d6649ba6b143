-- +goose Up
-- A wallet with the record of whose it is.
CREATE TABLE wallet (
  id           TEXT PRIMARY KEY,
  sub          TEXT NOT NULL,    -- pairwise: what the provider calls this person to this wallet
  holder       TEXT NOT NULL,    -- JSON
  terms        BLOB NOT NULL,
  signature    BLOB NOT NULL,
  record       TEXT NOT NULL,    -- JSON
  opened_ms    INTEGER NOT NULL,
  closed_ms    INTEGER NOT NULL DEFAULT 0,
  stopped_ms   INTEGER NOT NULL DEFAULT 0,
  night_open   INTEGER NOT NULL DEFAULT 0,
  retention_ms INTEGER NOT NULL DEFAULT 0 -- 0 while the contract runs
) STRICT;
-- One wallet a person, whoever asks at once.
CREATE UNIQUE INDEX wallet_person ON wallet (sub) WHERE closed_ms = 0;
CREATE INDEX wallet_sub ON wallet (sub, opened_ms);
CREATE INDEX wallet_retention ON wallet (retention_ms) WHERE retention_ms > 0;

-- The ledger. Lines are added; an operator who would change one is refused by the database.
CREATE TABLE entry (
  wallet  TEXT NOT NULL REFERENCES wallet (id),
  seq     INTEGER NOT NULL,
  at_ms   INTEGER NOT NULL,
  kind    TEXT NOT NULL,         -- charge, payment
  ref     TEXT NOT NULL,
  amount  INTEGER NOT NULL CHECK (amount <> 0),
  balance INTEGER NOT NULL CHECK (balance >= 0),
  what    TEXT NOT NULL,
  PRIMARY KEY (wallet, seq)
) STRICT;
CREATE UNIQUE INDEX entry_once ON entry (kind, ref);
-- +goose StatementBegin
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the ledger is added to only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entry_remains BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the ledger is added to only'); END;
-- +goose StatementEnd

CREATE TABLE mandate (
  id             TEXT PRIMARY KEY,
  wallet         TEXT NOT NULL REFERENCES wallet (id),
  state          TEXT NOT NULL,  -- asked, active, refused, lapsed, ended
  holder         TEXT NOT NULL,  -- JSON
  limit_once     INTEGER NOT NULL,
  limit_day      INTEGER NOT NULL,
  valid_to_ms    INTEGER NOT NULL,
  asked_ms       INTEGER NOT NULL,
  why            TEXT NOT NULL DEFAULT '',
  account        TEXT NOT NULL DEFAULT '',
  first_limit    INTEGER NOT NULL DEFAULT 0,
  first_until_ms INTEGER NOT NULL DEFAULT 0,
  granted_ms     INTEGER NOT NULL DEFAULT 0,
  evidence       TEXT NOT NULL DEFAULT '',
  ended_ms       INTEGER NOT NULL DEFAULT 0,
  ended_by       TEXT NOT NULL DEFAULT '',
  tell_ms        INTEGER NOT NULL DEFAULT 0 -- when the bank is told that it is over; 0 when nothing waits
) STRICT;
CREATE INDEX mandate_wallet ON mandate (wallet, asked_ms);
CREATE INDEX mandate_asked ON mandate (asked_ms) WHERE state = 'asked';
CREATE INDEX mandate_tell ON mandate (tell_ms) WHERE tell_ms > 0;

CREATE TABLE charge (
  id       TEXT PRIMARY KEY,
  wallet   TEXT NOT NULL REFERENCES wallet (id),
  mandate  TEXT NOT NULL REFERENCES mandate (id),
  amount   INTEGER NOT NULL CHECK (amount > 0),
  state    TEXT NOT NULL,        -- asked, done, refused
  why      TEXT NOT NULL DEFAULT '',
  asked_ms INTEGER NOT NULL,
  next_ms  INTEGER NOT NULL,
  tries    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX charge_mandate ON charge (mandate, asked_ms);
CREATE INDEX charge_wallet ON charge (wallet, asked_ms);
CREATE INDEX charge_next ON charge (next_ms) WHERE state = 'asked';

-- What a wallet tells its holder.
CREATE TABLE notice (
  wallet TEXT NOT NULL REFERENCES wallet (id),
  seq    INTEGER NOT NULL,
  at_ms  INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  amount INTEGER NOT NULL,
  what   TEXT NOT NULL,
  why    TEXT NOT NULL,
  PRIMARY KEY (wallet, seq)
) STRICT;

CREATE TABLE counter (
  what TEXT PRIMARY KEY,
  n    INTEGER NOT NULL
) STRICT;
