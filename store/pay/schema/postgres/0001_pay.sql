-- +goose Up
-- A wallet with the record of whose it is.
CREATE TABLE wallet (
  id           TEXT PRIMARY KEY,
  sub          TEXT NOT NULL,    -- pairwise: what the provider calls this person to this wallet
  holder       TEXT NOT NULL,    -- JSON
  terms        BYTEA NOT NULL,
  signature    BYTEA NOT NULL,
  record       TEXT NOT NULL,    -- JSON
  opened_ms    BIGINT NOT NULL,
  closed_ms    BIGINT NOT NULL DEFAULT 0,
  stopped_ms   BIGINT NOT NULL DEFAULT 0,
  night_open   BIGINT NOT NULL DEFAULT 0,
  retention_ms BIGINT NOT NULL DEFAULT 0 -- 0 while the contract runs
);
-- One wallet a person, whoever asks at once.
CREATE UNIQUE INDEX wallet_person ON wallet (sub) WHERE closed_ms = 0;
CREATE INDEX wallet_sub ON wallet (sub, opened_ms);
CREATE INDEX wallet_retention ON wallet (retention_ms) WHERE retention_ms > 0;

-- The ledger. Lines are added; an operator who would change one is refused by the database.
CREATE TABLE entry (
  wallet  TEXT NOT NULL REFERENCES wallet (id),
  seq     BIGINT NOT NULL,
  at_ms   BIGINT NOT NULL,
  kind    TEXT NOT NULL,         -- charge, payment
  ref     TEXT NOT NULL,
  amount  BIGINT NOT NULL CHECK (amount <> 0),
  balance BIGINT NOT NULL CHECK (balance >= 0),
  what    TEXT NOT NULL,
  PRIMARY KEY (wallet, seq)
);
CREATE UNIQUE INDEX entry_once ON entry (kind, ref);
-- +goose StatementBegin
CREATE FUNCTION entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is added to only';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION entry_stays();
CREATE TRIGGER entry_truncated BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION entry_stays();

CREATE TABLE mandate (
  id             TEXT PRIMARY KEY,
  wallet         TEXT NOT NULL REFERENCES wallet (id),
  state          TEXT NOT NULL,  -- asked, active, refused, lapsed, ended
  holder         TEXT NOT NULL,  -- JSON
  limit_once     BIGINT NOT NULL,
  limit_day      BIGINT NOT NULL,
  valid_to_ms    BIGINT NOT NULL,
  asked_ms       BIGINT NOT NULL,
  why            TEXT NOT NULL DEFAULT '',
  account        TEXT NOT NULL DEFAULT '',
  first_limit    BIGINT NOT NULL DEFAULT 0,
  first_until_ms BIGINT NOT NULL DEFAULT 0,
  granted_ms     BIGINT NOT NULL DEFAULT 0,
  evidence       TEXT NOT NULL DEFAULT '',
  ended_ms       BIGINT NOT NULL DEFAULT 0,
  ended_by       TEXT NOT NULL DEFAULT '',
  tell_ms        BIGINT NOT NULL DEFAULT 0 -- when the bank is told that it is over; 0 when nothing waits
);
CREATE INDEX mandate_wallet ON mandate (wallet, asked_ms);
CREATE INDEX mandate_asked ON mandate (asked_ms) WHERE state = 'asked';
CREATE INDEX mandate_tell ON mandate (tell_ms) WHERE tell_ms > 0;

CREATE TABLE charge (
  id       TEXT PRIMARY KEY,
  wallet   TEXT NOT NULL REFERENCES wallet (id),
  mandate  TEXT NOT NULL REFERENCES mandate (id),
  amount   BIGINT NOT NULL CHECK (amount > 0),
  state    TEXT NOT NULL,        -- asked, done, refused
  why      TEXT NOT NULL DEFAULT '',
  asked_ms BIGINT NOT NULL,
  next_ms  BIGINT NOT NULL,
  tries    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX charge_mandate ON charge (mandate, asked_ms);
CREATE INDEX charge_wallet ON charge (wallet, asked_ms);
CREATE INDEX charge_next ON charge (next_ms) WHERE state = 'asked';

-- What a wallet tells its holder.
CREATE TABLE notice (
  wallet TEXT NOT NULL REFERENCES wallet (id),
  seq    BIGINT NOT NULL,
  at_ms  BIGINT NOT NULL,
  kind   TEXT NOT NULL,
  amount BIGINT NOT NULL,
  what   TEXT NOT NULL,
  why    TEXT NOT NULL,
  PRIMARY KEY (wallet, seq)
);

CREATE TABLE counter (
  what TEXT PRIMARY KEY,
  n    BIGINT NOT NULL
);
