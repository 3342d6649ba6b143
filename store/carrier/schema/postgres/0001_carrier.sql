-- +goose Up
-- A contract with its record of identity, and the line that came of it.
CREATE TABLE line (
  id             TEXT PRIMARY KEY,
  sub            TEXT NOT NULL,    -- pairwise: what the provider calls this person to this carrier
  slot           BIGINT NOT NULL, -- 1 to 5 among the person's lines
  state          TEXT NOT NULL,    -- signed, active, stopped, ended
  why            TEXT NOT NULL DEFAULT '',
  choices        TEXT NOT NULL,    -- JSON
  attributes     TEXT NOT NULL,    -- JSON
  document       BYTEA NOT NULL,
  signature      BYTEA NOT NULL,
  record         TEXT NOT NULL,    -- JSON
  number         TEXT NOT NULL DEFAULT '',
  frozen         BIGINT NOT NULL DEFAULT 0,
  reservation    TEXT NOT NULL DEFAULT '',
  reservation_ms BIGINT NOT NULL DEFAULT 0, -- until when it serves
  signed_ms      BIGINT NOT NULL,
  due_ms         BIGINT NOT NULL, -- until then a stopped certificate counts
  try_ms         BIGINT NOT NULL, -- when it is tried next
  active_ms      BIGINT NOT NULL DEFAULT 0,
  ended_ms       BIGINT NOT NULL DEFAULT 0,
  erase_ms       BIGINT NOT NULL DEFAULT 0  -- 0 while the contract runs
);
-- Five lines a person, whoever asks at once.
CREATE UNIQUE INDEX line_slot ON line (sub, slot) WHERE state IN ('signed', 'active');
CREATE INDEX line_sub ON line (sub);
CREATE UNIQUE INDEX line_number ON line (number) WHERE number <> '';
CREATE INDEX line_try ON line (try_ms) WHERE state = 'signed';
CREATE INDEX line_erase ON line (erase_ms) WHERE erase_ms > 0;

-- eSIM profiles, each bound to the certificate whose key signed for it.
CREATE TABLE sim (
  iccid        TEXT PRIMARY KEY,
  line         TEXT NOT NULL,
  origin       TEXT NOT NULL, -- the contract or the change whose signature it was issued for
  certificate  TEXT NOT NULL, -- SHA-256, hex
  state        TEXT NOT NULL, -- ready, installed, dead
  phone        BYTEA,          -- SHA-256 of what the phone has; NULL until installed
  made_ms      BIGINT NOT NULL,
  installed_ms BIGINT NOT NULL DEFAULT 0,
  dead_ms      BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX sim_line ON sim (line) WHERE state <> 'dead';
CREATE INDEX sim_of_line ON sim (line);
CREATE INDEX sim_phone ON sim (phone) WHERE phone IS NOT NULL;

-- Signed requests for a change of a SIM.
CREATE TABLE sim_change (
  id         TEXT PRIMARY KEY,
  line       TEXT NOT NULL,
  sub        TEXT NOT NULL,
  kind       TEXT NOT NULL, -- reissue, port, unfreeze, end; install
  state      TEXT NOT NULL, -- waiting, done, vetoed, withdrawn, halted
  ended_by   TEXT NOT NULL DEFAULT '',
  attributes TEXT NOT NULL, -- JSON
  document   BYTEA NOT NULL,
  signature  BYTEA NOT NULL,
  record     TEXT NOT NULL, -- JSON
  veto       BYTEA NOT NULL, -- SHA-256 of the mail's link
  asked_ms   BIGINT NOT NULL,
  due_ms     BIGINT NOT NULL,
  try_ms     BIGINT NOT NULL,
  ended_ms   BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX sim_change_waiting ON sim_change (line) WHERE state = 'waiting';
CREATE INDEX sim_change_line ON sim_change (line);
CREATE UNIQUE INDEX sim_change_veto ON sim_change (veto);
CREATE INDEX sim_change_try ON sim_change (try_ms) WHERE state = 'waiting';

-- What was sent to SIMs.
CREATE TABLE message (
  n      BIGINT PRIMARY KEY,
  iccid  TEXT NOT NULL,
  at_ms  BIGINT NOT NULL,
  kind   TEXT NOT NULL,
  change TEXT NOT NULL DEFAULT ''
);
CREATE INDEX message_sim ON message (iccid, n);

-- Addresses for notices.
CREATE TABLE address (
  link         BYTEA PRIMARY KEY, -- SHA-256 of the link that confirms it
  sub          TEXT NOT NULL,
  address      TEXT NOT NULL,
  asked_ms     BIGINT NOT NULL,
  confirmed_ms BIGINT NOT NULL DEFAULT 0,
  until_ms     BIGINT NOT NULL DEFAULT 0, -- 0: on and on
  erase_ms     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX address_sub ON address (sub);
CREATE INDEX address_erase ON address (erase_ms) WHERE erase_ms > 0;

-- Mail for whoever delivers it.
CREATE TABLE outbox (
  n        BIGINT PRIMARY KEY,
  at_ms    BIGINT NOT NULL,
  address  TEXT NOT NULL,
  letter   TEXT NOT NULL, -- JSON
  erase_ms BIGINT NOT NULL
);
CREATE INDEX outbox_erase ON outbox (erase_ms);

-- Numbers are drawn once, also after a line is erased.
CREATE TABLE counter (
  what TEXT PRIMARY KEY,
  n    BIGINT NOT NULL
);
