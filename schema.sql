-- Postdesk's database, version 2: what a new file is made from, and the readable truth.
-- Times are UTC seconds. Ids are never reused. Words in CHECK lists are those of the code's enums.

-- Small facts about the installation itself.
CREATE TABLE setting (
  name  TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys that sign reply ids and links. The newest signs; a retired one verifies until it expires.
CREATE TABLE signing_key (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  secret     BLOB NOT NULL CHECK (length(secret) = 32),
  made_at    INTEGER NOT NULL,
  retired_at INTEGER
) STRICT;

-- How far each mailbox has been read: every UID below next_uid is in the ledger or was gone.
CREATE TABLE mailbox (
  name        TEXT PRIMARY KEY NOT NULL,
  uidvalidity INTEGER NOT NULL,
  next_uid    INTEGER NOT NULL,
  checked_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Raw mails, byte for byte.
CREATE TABLE raw (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  size    INTEGER NOT NULL,
  packing TEXT NOT NULL CHECK (packing IN ('none', 'zstd')),
  bytes   BLOB NOT NULL
) STRICT;

CREATE TABLE ticket (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  number         INTEGER NOT NULL UNIQUE,
  queue          TEXT NOT NULL,
  subject        TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('new', 'open', 'pending', 'resolved', 'closed')),
  priority       TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  requester      TEXT NOT NULL,           -- address in lower case; '' when the mail named none
  requester_name TEXT NOT NULL,
  language       TEXT NOT NULL CHECK (language IN ('en', 'es', 'pt')),
  assignee       TEXT NOT NULL,           -- an agent's registered address; '' when nobody has it
  opened_at      INTEGER NOT NULL,
  changed_at     INTEGER NOT NULL,
  closed_at      INTEGER,                 -- set while the status is closed
  wake_at        INTEGER,                 -- when #pending until or #snooze ends
  continues      INTEGER REFERENCES ticket (id),
  merged_into    INTEGER REFERENCES ticket (id)
) STRICT;
CREATE INDEX ticket_requester ON ticket (requester, id);
CREATE INDEX ticket_live ON ticket (changed_at) WHERE status IN ('new', 'open', 'pending');
CREATE INDEX ticket_assigned ON ticket (assignee, changed_at) WHERE status IN ('new', 'open', 'pending');
CREATE INDEX ticket_changed ON ticket (changed_at);
CREATE INDEX ticket_wake ON ticket (wake_at) WHERE wake_at IS NOT NULL;

-- The ledger: every mail that was ever seen, in exactly one disposition, with the reason.
CREATE TABLE mail (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  mailbox      TEXT NOT NULL,             -- configured name, or 'deliver' for mail piped in
  uidvalidity  INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  queue        TEXT NOT NULL,
  content_key  BLOB NOT NULL,             -- the same for the same mail delivered twice
  message_id   TEXT NOT NULL,             -- without brackets; '' when absent
  from_address TEXT NOT NULL,             -- '' when absent
  subject      TEXT NOT NULL,
  size         INTEGER NOT NULL,
  raw_id       INTEGER REFERENCES raw (id),   -- NULL only for refused mail, which stays in the mailbox, and duplicates
  disposition  TEXT NOT NULL CHECK (disposition IN ('opened', 'follow-up', 'agent', 'held', 'bounce', 'ignored', 'refused', 'duplicate', 'quarantined')),
  reason       TEXT NOT NULL,
  oddities     TEXT NOT NULL,             -- codes, separated by spaces
  ticket_id    INTEGER REFERENCES ticket (id),
  received_at  INTEGER NOT NULL,
  settled_at   INTEGER,                   -- when the server was told (moved, flagged, deleted)
  CHECK (raw_id IS NOT NULL OR disposition IN ('refused', 'duplicate'))
) STRICT;
CREATE UNIQUE INDEX mail_uid ON mail (mailbox, uidvalidity, uid);
CREATE INDEX mail_content ON mail (content_key);
CREATE INDEX mail_ticket ON mail (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX mail_untold ON mail (mailbox) WHERE settled_at IS NULL AND uidvalidity > 0;
CREATE INDEX mail_aside ON mail (disposition, id) WHERE disposition IN ('quarantined', 'held', 'refused');

-- The conversation.
CREATE TABLE message (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket_id   INTEGER NOT NULL REFERENCES ticket (id),
  mail_id     INTEGER REFERENCES mail (id),   -- NULL for what was written on the command line
  at          INTEGER NOT NULL,
  internal    INTEGER NOT NULL CHECK (internal IN (0, 1)),
  role        TEXT NOT NULL CHECK (role IN ('requester', 'participant', 'agent', 'robot', 'system')),
  author      TEXT NOT NULL,              -- address in lower case, or ''
  author_name TEXT NOT NULL,
  text        TEXT NOT NULL,              -- written for this message
  folded      TEXT NOT NULL               -- quotes and signature: kept, folded away
) STRICT;
CREATE INDEX message_ticket ON message (ticket_id, id);

-- What is attached to a message; the bytes are read out of the raw mail.
CREATE TABLE attachment (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id   INTEGER NOT NULL REFERENCES message (id),
  part         INTEGER NOT NULL,
  name         TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size         INTEGER NOT NULL
) STRICT;
CREATE INDEX attachment_message ON attachment (message_id);

-- People beside the requester: participants get what is public, watchers are agents, writers may write in and get no copies.
-- Who left, or was taken out, is not brought back by standing in somebody's Cc.
CREATE TABLE participant (
  ticket_id INTEGER NOT NULL REFERENCES ticket (id),
  kind      TEXT NOT NULL CHECK (kind IN ('participant', 'watcher', 'writer', 'left')),
  address   TEXT NOT NULL,
  name      TEXT NOT NULL,
  PRIMARY KEY (ticket_id, kind, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE label (
  ticket_id INTEGER NOT NULL REFERENCES ticket (id),
  label     TEXT NOT NULL,
  PRIMARY KEY (ticket_id, label)
) STRICT, WITHOUT ROWID;

-- Everything that happened to a ticket, for people.
CREATE TABLE event (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket_id INTEGER NOT NULL REFERENCES ticket (id),
  at        INTEGER NOT NULL,
  actor     TEXT NOT NULL,                -- address, 'postdesk', or 'command line'
  what      TEXT NOT NULL
) STRICT;
CREATE INDEX event_ticket ON event (ticket_id, id);

-- Message-IDs of incoming mail, for threading: the first 16 bytes of their SHA-256.
CREATE TABLE reference (
  id_hash    BLOB PRIMARY KEY NOT NULL CHECK (length(id_hash) = 16),
  ticket_id  INTEGER NOT NULL REFERENCES ticket (id),
  message_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_ticket ON reference (ticket_id);

-- Bodies of outgoing mail, shared by recipients; taken out some days after all of them are settled. Files that stand in
-- the mail they came with as they go out are not kept twice: taken holds `AT OFFSET LENGTH;…`, where in bytes which
-- stretch of that raw mail belongs.
CREATE TABLE outgoing_body (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  size    INTEGER NOT NULL,               -- of bytes, unpacked
  packing TEXT NOT NULL CHECK (packing IN ('none', 'zstd')),
  bytes   BLOB NOT NULL,
  raw_id  INTEGER REFERENCES raw (id),
  taken   TEXT NOT NULL DEFAULT '' CHECK (taken = '' OR raw_id IS NOT NULL)
) STRICT;

-- Outgoing mail, one row a recipient. Head and body are the bytes that are sent, fixed when the row is made.
CREATE TABLE outbox (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket_id     INTEGER REFERENCES ticket (id),
  mail_id       INTEGER REFERENCES mail (id),   -- the mail that caused it
  template      TEXT NOT NULL,
  queue         TEXT NOT NULL,
  author        TEXT NOT NULL,            -- whose words it carries: an agent's address, or ''
  envelope_from TEXT NOT NULL,            -- '' is the null sender
  recipient     TEXT NOT NULL,
  message_id    TEXT NOT NULL UNIQUE,     -- without brackets
  head          BLOB NOT NULL,            -- empty when the body has been taken out
  body_id       INTEGER REFERENCES outgoing_body (id),   -- NULL when it has been taken out
  size          INTEGER NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'deferred', 'uncertain', 'failed', 'bounced', 'dropped')),
  handed_over   INTEGER NOT NULL CHECK (handed_over IN (0, 1)),   -- the end of the data may have reached the relay
  attempts      INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  next_at       INTEGER NOT NULL,         -- not before this time
  tried_at      INTEGER,                  -- the first attempt
  settled_at    INTEGER,                  -- when it reached its last state
  said          TEXT NOT NULL             -- what the relay said last
) STRICT;
CREATE INDEX outbox_due ON outbox (next_at) WHERE state IN ('queued', 'deferred');
CREATE INDEX outbox_sending ON outbox (id) WHERE state = 'sending';
CREATE INDEX outbox_trouble ON outbox (state, id) WHERE state IN ('deferred', 'uncertain', 'failed', 'bounced');
CREATE INDEX outbox_ticket ON outbox (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX outbox_mail ON outbox (mail_id) WHERE mail_id IS NOT NULL;
CREATE INDEX outbox_body ON outbox (body_id) WHERE body_id IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE body_id IS NOT NULL AND settled_at IS NOT NULL;

-- Automatic mail counted per hour; 'word' marks that an admin was told.
CREATE TABLE budget (
  scope TEXT NOT NULL CHECK (scope IN ('sender', 'domain', 'ticket', 'answers', 'notifications', 'word')),
  key   TEXT NOT NULL,
  hour  INTEGER NOT NULL,                 -- UTC seconds / 3600
  count INTEGER NOT NULL,
  PRIMARY KEY (hour, scope, key)
) STRICT, WITHOUT ROWID;

-- Addresses that nothing is sent to for a while, because mail to them came back.
CREATE TABLE paused (
  address TEXT PRIMARY KEY NOT NULL,
  until   INTEGER NOT NULL,
  reason  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Text of agents that could not be acted upon.
CREATE TABLE draft (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket_id INTEGER NOT NULL REFERENCES ticket (id),
  author    TEXT NOT NULL,
  at        INTEGER NOT NULL,
  text      TEXT NOT NULL
) STRICT;
CREATE INDEX draft_ticket ON draft (ticket_id);

-- Agents who are away, and whom the morning digest has reached.
CREATE TABLE agent (
  address     TEXT PRIMARY KEY NOT NULL,
  away_until  INTEGER,
  digest_day  TEXT NOT NULL,              -- local date of the last digest, or ''
  last_ticket INTEGER NOT NULL            -- when a ticket was last given to this agent in turn
) STRICT, WITHOUT ROWID;

-- Words of messages and subjects, accents folded; rowid is message.id.
CREATE VIRTUAL TABLE search USING fts5 (
  subject, people, text,
  content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
