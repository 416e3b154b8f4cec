-- Diskette's database file. Everything a client stored and that write-back has applied is
-- here; what is newer stands in journal/ until then. Times are unix milliseconds, 0 = none.
-- The file may be read while it is served (sqlite3 -readonly diskette.db); the views at the
-- end are the readable form. Each page ends with a checksum (pages.go), hence nothing else may write to it. application_id is "Disk", user_version the schema's version. A file of an older version gets
-- what it lacks of this (store/migrate.go): hence IF NOT EXISTS.

PRAGMA application_id = 0x4469736b;
PRAGMA user_version = 3;

-- One row a fact about the file: applied_lsn (journal records up to it are in the tables,
-- I4), next_id (key ids below it were given out; none is ever used twice), next_space, identity (random, the journal's and
-- diskette.state's too), journal_lsn (the journal's fsynced records went so far at least), running (a server
-- has it open, or was killed), while a full disk makes write-back go in slices ahead_lsn (some rows are up to it
-- already), indexed_lsn (element_index was kept up to it), before_bounds (bytes on disk when a version that has bounds
-- took the directory over from one without them; 0 = it was made by one that has), and of a database that was imported
-- 'imported from FILE' (when) and imported_keys.
CREATE TABLE IF NOT EXISTS meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A space is a generation of a database: FLUSHDB gives the database a new one, SWAPDB
-- exchanges two, and both cost a row or two however many keys there are. A space that no
-- database has any more is reaped in slices.
CREATE TABLE IF NOT EXISTS spaces (
  space INTEGER PRIMARY KEY,
  db    INTEGER UNIQUE,            -- what SELECT names; NULL = flushed, waiting to be reaped; 1073741824 = the server's
                                   -- own: the hash 'libraries' there has the libraries of FUNCTION LOAD by name
  keys  INTEGER NOT NULL DEFAULT 0, -- rows of it in keys, so that DBSIZE counts nothing
  expiring INTEGER NOT NULL DEFAULT 0 -- those of them that have a deadline, for INFO
) STRICT;

-- One row a key. The value stands last, so that reading the header of a long row does not
-- touch its overflow pages.
CREATE TABLE IF NOT EXISTS keys (
  id         INTEGER PRIMARY KEY,    -- order of birth; SCAN's cursor
  space      INTEGER NOT NULL,
  key        BLOB,                   -- NULL only while write-back renames, inside its transaction
  type       INTEGER NOT NULL,       -- 1 string (2 list, 3 set, 4 sorted set, 5 hash, 6 stream)
  expires_ms INTEGER NOT NULL,       -- deadline, 0 = none
  chunked    INTEGER NOT NULL,       -- length in bytes of a string that stands in chunks, else 0
  value      BLOB                    -- a string of up to 256 KiB, else NULL
) STRICT;

CREATE UNIQUE INDEX IF NOT EXISTS keys_by_name ON keys (space, key);
CREATE INDEX IF NOT EXISTS keys_by_deadline ON keys (expires_ms) WHERE expires_ms > 0;

-- A long string, 256 KiB a row, so that SETRANGE, APPEND and SETBIT write what they touch.
-- A missing row, and what is missing at a row's end, is zero bytes.
CREATE TABLE IF NOT EXISTS chunks (
  id   INTEGER NOT NULL,             -- keys.id
  n    INTEGER NOT NULL,             -- chunk number, from 0
  data BLOB NOT NULL,
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

-- Hashes, sets and sorted sets have a row an element. id is keys.id; n is the row's own number within its key, given by
-- birth, and names the row in the journal: the contents need no index, because a collection that is touched is in memory whole.

CREATE TABLE IF NOT EXISTS hash_fields (
  id         INTEGER NOT NULL,
  n          INTEGER NOT NULL,
  field      BLOB NOT NULL,
  value      BLOB NOT NULL,
  expires_ms INTEGER NOT NULL,       -- the field's own deadline, 0 = none
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS hash_fields_by_deadline ON hash_fields (expires_ms) WHERE expires_ms > 0;

-- A list has a row a run: elements that stand together, about 960 bytes of them. n is the position of the first: it ascends
-- from the head and may be negative. Positions are integers with gaps, so that LINSERT finds a place between two.
CREATE TABLE IF NOT EXISTS list_runs (
  id    INTEGER NOT NULL,
  n     INTEGER NOT NULL,
  gaps  BLOB NOT NULL,               -- from position to position, as uvarints; empty if all are 65536
  data  BLOB NOT NULL,               -- the values, each as length:bytes, such as 3:one3:two
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS set_members (
  id     INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  member BLOB NOT NULL,
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

-- A score is always a 64-bit float. The column is not REAL, because SQLite keeps a whole number of such a column as an
-- integer, and -0.0 would come back as 0.0.
CREATE TABLE IF NOT EXISTS zset_members (
  id     INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  member BLOB NOT NULL,
  score  ANY NOT NULL,
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

-- A stream is a head, its entries in runs as a list's elements, and consumer groups with their consumers and pending entries.
-- n counts through all of them within the key. The two halves of an entry's id are unsigned and stand here as signed integers of the same
-- bits; the views show them as printf('%u', ms).

CREATE TABLE IF NOT EXISTS stream_heads (
  id          INTEGER NOT NULL,
  n           INTEGER NOT NULL,      -- 0
  last_ms     INTEGER NOT NULL,      -- the last id: new entries are above it
  last_seq    INTEGER NOT NULL,
  deleted_ms  INTEGER NOT NULL,      -- the highest id that XDEL removed
  deleted_seq INTEGER NOT NULL,
  added       INTEGER NOT NULL,      -- entries ever added
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS stream_runs (
  id    INTEGER NOT NULL,
  n     INTEGER NOT NULL,            -- of the first entry
  gaps  BLOB NOT NULL,               -- from n to n, as uvarints; empty if all are 1
  data  BLOB NOT NULL,               -- of each entry ms, seq and fields, each as length:bytes; fields is field, value,
  PRIMARY KEY (id, n)                -- field, value ... in the same form, such as 13:17000000000001:012:4:name3:Ada
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS stream_groups (
  id           INTEGER NOT NULL,
  n            INTEGER NOT NULL,
  name         BLOB NOT NULL,
  last_ms      INTEGER NOT NULL,     -- the last delivered id
  last_seq     INTEGER NOT NULL,
  entries_read INTEGER NOT NULL,     -- up to the last delivered one, from the first ever; negative = unknown
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS stream_consumers (
  id        INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  group_n   INTEGER NOT NULL,        -- stream_groups.n
  name      BLOB NOT NULL,
  seen_ms   INTEGER NOT NULL,        -- when it last tried to read or to claim
  active_ms INTEGER NOT NULL,        -- when it last got something; -1 = never
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS stream_pending (
  id           INTEGER NOT NULL,
  n            INTEGER NOT NULL,
  group_n      INTEGER NOT NULL,     -- stream_groups.n
  consumer_n   INTEGER NOT NULL,     -- stream_consumers.n
  ms           INTEGER NOT NULL,     -- the entry's id
  seq          INTEGER NOT NULL,
  delivered_ms INTEGER NOT NULL,
  deliveries   INTEGER NOT NULL,
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

-- What is too long for the row that it belongs to, so that SQLite's memory bounds no value. A column of 256 KiB or more of one of
-- the tables above has its first 256 KiB there, and the rest here. A key's name of 64 KiB or more stands here whole;
-- keys.key has its first 65504 bytes and its SHA-256.
CREATE TABLE IF NOT EXISTS pieces (
  id    INTEGER NOT NULL,            -- keys.id
  n     INTEGER NOT NULL,            -- of the row; 0 for the name
  part  INTEGER NOT NULL,            -- which of the row's columns behind id and n, from 1; 0 for the name
  piece INTEGER NOT NULL,            -- from 0
  data  BLOB NOT NULL,               -- 256 KiB, but for the last
  PRIMARY KEY (id, n, part, piece)
) STRICT, WITHOUT ROWID;

-- Deleted keys whose further rows (chunks, elements, pieces) are still to be reaped, in slices.
CREATE TABLE IF NOT EXISTS garbage (
  id   INTEGER PRIMARY KEY,          -- keys.id, already gone from keys
  type INTEGER NOT NULL              -- keys.type: says in which tables the rows are
) STRICT;

-- A large hash, set or sorted set may have its elements indexed by a hash of their names, so that one is found without loading
-- the whole (store/paged_index.go). hash: the first 48 bits of the name's SHA-256, or its first 256 KiB's; n: of the row.
CREATE TABLE IF NOT EXISTS element_index (
  id   INTEGER NOT NULL,             -- keys.id
  hash INTEGER NOT NULL,
  n    INTEGER NOT NULL,
  PRIMARY KEY (id, hash, n)
) STRICT, WITHOUT ROWID;

-- The keys that have such an index, or are getting one.
CREATE TABLE IF NOT EXISTS indexed_keys (
  id       INTEGER PRIMARY KEY,      -- keys.id
  elements INTEGER NOT NULL,         -- rows of it in element_index: all elements once it is complete
  below    INTEGER NOT NULL          -- the rows with hashes below this are there; 281474976710656: it is complete;
                                     -- -1: not to be trusted, and to be made anew
) STRICT;

-- The views are the readable form: keys that are there and have not expired, by database, with the
-- seconds that they and a hash's fields have left (NULL = for ever). What stands in pieces is shown as far as its row has it.

CREATE VIEW IF NOT EXISTS live_keys AS
  SELECT k.id, s.db, CAST(k.key AS TEXT) AS key, k.type, k.chunked, k.value,
         CASE WHEN k.expires_ms > 0
              THEN round(k.expires_ms / 1000.0 - (julianday('now') - 2440587.5) * 86400.0, 3)
              END AS ttl_seconds,
         CASE WHEN k.expires_ms > 0
              THEN datetime(k.expires_ms / 1000, 'unixepoch') END AS expires_at_utc
    FROM keys k JOIN spaces s USING (space)
   WHERE s.db IS NOT NULL
     AND (k.expires_ms = 0
          OR k.expires_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));

-- Every key with its type, a string's length in bytes, and its time to live.
CREATE VIEW IF NOT EXISTS all_keys AS
  SELECT db, key,
         CASE type WHEN 1 THEN 'string' WHEN 2 THEN 'list' WHEN 3 THEN 'set'
                   WHEN 4 THEN 'zset' WHEN 5 THEN 'hash' WHEN 6 THEN 'stream' END AS type,
         CASE WHEN chunked > 0 THEN chunked ELSE length(value) END AS bytes,
         expires_at_utc, ttl_seconds
    FROM live_keys;

-- A chunked string shows its first chunk.
CREATE VIEW IF NOT EXISTS strings AS
  SELECT db, key,
         CAST(CASE WHEN chunked > 0
                   THEN (SELECT data FROM chunks c WHERE c.id = k.id AND c.n = 0)
                   ELSE value END AS TEXT) AS value,
         ttl_seconds
    FROM live_keys k
   WHERE type = 1;

CREATE VIEW IF NOT EXISTS hashes AS
  SELECT k.db, k.key, CAST(f.field AS TEXT) AS field, CAST(f.value AS TEXT) AS value,
         CASE WHEN f.expires_ms > 0
              THEN round(f.expires_ms / 1000.0 - (julianday('now') - 2440587.5) * 86400.0, 3)
              END AS field_ttl_seconds,
         k.ttl_seconds
    FROM live_keys k JOIN hash_fields f USING (id)
   WHERE f.expires_ms = 0
      OR f.expires_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
   ORDER BY k.id, f.n;

-- Where the parts of a run's data are: a JSON array of [first byte, length].
CREATE VIEW IF NOT EXISTS run_parts AS
  SELECT r.type, r.id, r.n, r.data,
         (WITH RECURSIVE part (at, size) AS (
            SELECT 1, CAST(CAST(substr(r.data, 1, 20) AS TEXT) AS INTEGER)
             UNION ALL
            SELECT at + length(size) + 1 + size,
                   CAST(CAST(substr(r.data, at + length(size) + 1 + size, 20) AS TEXT) AS INTEGER)
              FROM part WHERE at + length(size) + 1 + size <= length(r.data))
          SELECT json_group_array(json_array(at + length(size) + 1, size)) FROM part) AS parts
    FROM (SELECT 2 AS type, id, n, data FROM list_runs UNION ALL SELECT 6, id, n, data FROM stream_runs) r;

-- position counts from 0 at the head, as LINDEX does.
CREATE VIEW IF NOT EXISTS lists AS
  SELECT k.db, k.key, row_number() OVER (PARTITION BY k.id ORDER BY r.n, e.key) - 1 AS position,
         CAST(substr(r.data, e.value ->> 0, e.value ->> 1) AS TEXT) AS value, k.ttl_seconds
    FROM live_keys k JOIN run_parts r USING (type, id), json_each(r.parts) e
   WHERE k.type = 2
   ORDER BY k.id, r.n, e.key;

CREATE VIEW IF NOT EXISTS sets AS
  SELECT k.db, k.key, CAST(m.member AS TEXT) AS member, k.ttl_seconds
    FROM live_keys k JOIN set_members m USING (id)
   ORDER BY k.id, m.n;

CREATE VIEW IF NOT EXISTS zsets AS
  SELECT k.db, k.key, CAST(m.member AS TEXT) AS member, m.score, k.ttl_seconds
    FROM live_keys k JOIN zset_members m USING (id)
   ORDER BY k.id, m.score, m.member;

-- fields is a JSON array: field, value, field, value ...
CREATE VIEW IF NOT EXISTS streams AS
  SELECT e.db, e.key, printf('%u-%u', e.ms, e.seq) AS entry,
         (WITH RECURSIVE part (at, size) AS (
            SELECT 1, CAST(CAST(substr(e.fields, 1, 20) AS TEXT) AS INTEGER) WHERE length(e.fields) > 0
             UNION ALL
            SELECT at + length(size) + 1 + size,
                   CAST(CAST(substr(e.fields, at + length(size) + 1 + size, 20) AS TEXT) AS INTEGER)
              FROM part WHERE at + length(size) + 1 + size <= length(e.fields))
          SELECT json_group_array(CAST(substr(e.fields, at + length(size) + 1, size) AS TEXT)) FROM part) AS fields,
         e.ttl_seconds
    FROM (SELECT k.id, k.db, k.key, k.ttl_seconds, r.n, p.key AS part,
                 CAST(CAST(substr(r.data, r.parts ->> ('$[' || (p.key - 2) || '][0]'),
                                          r.parts ->> ('$[' || (p.key - 2) || '][1]')) AS TEXT) AS INTEGER) AS ms,
                 CAST(CAST(substr(r.data, r.parts ->> ('$[' || (p.key - 1) || '][0]'),
                                          r.parts ->> ('$[' || (p.key - 1) || '][1]')) AS TEXT) AS INTEGER) AS seq,
                 substr(r.data, p.value ->> 0, p.value ->> 1) AS fields
            FROM live_keys k JOIN run_parts r USING (type, id), json_each(r.parts) p
           WHERE k.type = 6 AND p.key % 3 = 2) e
   ORDER BY e.id, e.n, e.part;

CREATE VIEW IF NOT EXISTS stream_consumer_groups AS
  SELECT k.db, k.key, CAST(g.name AS TEXT) AS consumer_group,
         printf('%u-%u', g.last_ms, g.last_seq) AS last_delivered,
         (SELECT count(*) FROM stream_consumers c WHERE c.id = k.id AND c.group_n = g.n) AS consumers,
         (SELECT count(*) FROM stream_pending p WHERE p.id = k.id AND p.group_n = g.n) AS pending,
         k.ttl_seconds
    FROM live_keys k JOIN stream_groups g USING (id)
   ORDER BY k.id, g.n;
