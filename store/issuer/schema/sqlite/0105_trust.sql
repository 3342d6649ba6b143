-- +goose Up
-- Suspensions of a good phone in ways that need nothing of the owner's in hand: those
-- of the last days count towards the limit.
CREATE TABLE suspension (
  person TEXT NOT NULL,
  id     TEXT NOT NULL,
  way    TEXT NOT NULL,
  at_ms  INTEGER NOT NULL,
  PRIMARY KEY (person, id)
) STRICT;

-- Who may stop whose phone. The code of an invitation rests as an HMAC under the
-- authority's key.
CREATE TABLE trust (
  id         TEXT PRIMARY KEY,
  holder     TEXT NOT NULL,
  trusted    TEXT NOT NULL,
  label      TEXT NOT NULL,
  shown      TEXT NOT NULL,
  code_hash  BLOB NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('invited', 'opened', 'accepted', 'active', 'ended')),
  invited_ms INTEGER NOT NULL,
  since_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX trust_holder ON trust (holder) WHERE state <> 'ended';
CREATE INDEX trust_trusted ON trust (trusted) WHERE state <> 'ended';
CREATE INDEX trust_code ON trust (code_hash) WHERE state <> 'ended';

-- Notices that are to be mailed, and what became of them.
CREATE TABLE delivery (
  notice TEXT PRIMARY KEY,
  state  TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'undeliverable')),
  due_ms INTEGER NOT NULL,
  tries  INTEGER NOT NULL,
  why    TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_due ON delivery (due_ms) WHERE state = 'waiting';
CREATE INDEX delivery_open ON delivery (state) WHERE state <> 'sent';

-- Which party is told that there is a notice for a person, and never what it says.
CREATE TABLE notice_watch (
  party    TEXT NOT NULL,
  pairwise TEXT NOT NULL,
  person   TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (party, pairwise)
) STRICT;
CREATE INDEX notice_watch_person ON notice_watch (person);
