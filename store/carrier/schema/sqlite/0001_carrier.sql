-- +goose Up
-- A contract with its record of identity, and the line that came of it.
CREATE TABLE line (
  id             TEXT PRIMARY KEY,
  sub            TEXT NOT NULL,    -- pairwise: what the provider calls this person to this carrier
  slot           INTEGER NOT NULL, -- 1 to 5 among the person's lines
  state          TEXT NOT NULL,    -- signed, active, stopped, ended
  why            TEXT NOT NULL DEFAULT '',
  choices        TEXT NOT NULL,    -- JSON
  attributes     TEXT NOT NULL,    -- JSON
  document       BLOB NOT NULL,
  signature      BLOB NOT NULL,
  record         TEXT NOT NULL,    -- JSON
  number         TEXT NOT NULL DEFAULT '',
  frozen         INTEGER NOT NULL DEFAULT 0,
  reservation    TEXT NOT NULL DEFAULT '',
  reservation_ms INTEGER NOT NULL DEFAULT 0, -- until when it serves
  signed_ms      INTEGER NOT NULL,
  due_ms         INTEGER NOT NULL, -- until then a stopped certificate counts
  try_ms         INTEGER NOT NULL, -- when it is tried next
  active_ms      INTEGER NOT NULL DEFAULT 0,
  ended_ms       INTEGER NOT NULL DEFAULT 0,
  erase_ms       INTEGER NOT NULL DEFAULT 0  -- 0 while the contract runs
) STRICT;
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
  phone        BLOB,          -- SHA-256 of what the phone has; NULL until installed
  made_ms      INTEGER NOT NULL,
  installed_ms INTEGER NOT NULL DEFAULT 0,
  dead_ms      INTEGER NOT NULL DEFAULT 0
) STRICT;
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
  document   BLOB NOT NULL,
  signature  BLOB NOT NULL,
  record     TEXT NOT NULL, -- JSON
  veto       BLOB NOT NULL, -- SHA-256 of the mail's link
  asked_ms   INTEGER NOT NULL,
  due_ms     INTEGER NOT NULL,
  try_ms     INTEGER NOT NULL,
  ended_ms   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX sim_change_waiting ON sim_change (line) WHERE state = 'waiting';
CREATE INDEX sim_change_line ON sim_change (line);
CREATE UNIQUE INDEX sim_change_veto ON sim_change (veto);
CREATE INDEX sim_change_try ON sim_change (try_ms) WHERE state = 'waiting';

-- What was sent to SIMs.
CREATE TABLE message (
  n      INTEGER PRIMARY KEY,
  iccid  TEXT NOT NULL,
  at_ms  INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  change TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX message_sim ON message (iccid, n);

-- Addresses for notices.
CREATE TABLE address (
  link         BLOB PRIMARY KEY, -- SHA-256 of the link that confirms it
  sub          TEXT NOT NULL,
  address      TEXT NOT NULL,
  asked_ms     INTEGER NOT NULL,
  confirmed_ms INTEGER NOT NULL DEFAULT 0,
  until_ms     INTEGER NOT NULL DEFAULT 0, -- 0: on and on
  erase_ms     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX address_sub ON address (sub);
CREATE INDEX address_erase ON address (erase_ms) WHERE erase_ms > 0;

-- Mail for whoever delivers it.
CREATE TABLE outbox (
  n        INTEGER PRIMARY KEY,
  at_ms    INTEGER NOT NULL,
  address  TEXT NOT NULL,
  letter   TEXT NOT NULL, -- JSON
  erase_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_erase ON outbox (erase_ms);

-- Numbers are drawn once, also after a line is erased.
CREATE TABLE counter (
  what TEXT PRIMARY KEY,
  n    INTEGER NOT NULL
) STRICT;
