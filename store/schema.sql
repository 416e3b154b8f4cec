-- Diskette's database file. Everything a client stored and that write-back has applied is
-- here; what is newer stands in journal/ until then. Times are unix milliseconds, 0 = none.
-- The file may be read while it is served (sqlite3 -readonly diskette.db); the views at the
-- end are the readable form. application_id is "Disk", user_version the schema's version.

PRAGMA application_id = 0x4469736b;
PRAGMA user_version = 1;

-- One row a fact about the file: applied_lsn (journal records up to it are in the tables,
-- I4), next_id (key ids below it were given out; none is ever used twice), next_space, and,
-- while a full disk makes write-back go in slices, ahead_lsn (some rows are up to it already).
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A space is a generation of a database: FLUSHDB gives the database a new one, SWAPDB
-- exchanges two, and both cost a row or two however many keys there are. A space that no
-- database has any more is reaped in slices.
CREATE TABLE spaces (
  space INTEGER PRIMARY KEY,
  db    INTEGER UNIQUE,            -- what SELECT names; NULL = flushed, waiting to be reaped
  keys  INTEGER NOT NULL DEFAULT 0, -- rows of it in keys, so that DBSIZE counts nothing
  expiring INTEGER NOT NULL DEFAULT 0 -- those of them that have a deadline, for INFO
) STRICT;

-- One row a key. The value stands last, so that reading the header of a long row does not
-- touch its overflow pages.
CREATE TABLE keys (
  id         INTEGER PRIMARY KEY,    -- order of birth; SCAN's cursor
  space      INTEGER NOT NULL,
  key        BLOB,                   -- NULL only while write-back renames, inside its transaction
  type       INTEGER NOT NULL,       -- 1 string (2 list, 3 set, 4 sorted set, 5 hash, 6 stream)
  expires_ms INTEGER NOT NULL,       -- deadline, 0 = none
  chunked    INTEGER NOT NULL,       -- length in bytes of a string that stands in chunks, else 0
  value      BLOB                    -- a string of up to 256 KiB, else NULL
) STRICT;

CREATE UNIQUE INDEX keys_by_name ON keys (space, key);
CREATE INDEX keys_by_deadline ON keys (expires_ms) WHERE expires_ms > 0;

-- A long string, 256 KiB a row, so that SETRANGE, APPEND and SETBIT write what they touch.
-- A missing row, and what is missing at a row's end, is zero bytes.
CREATE TABLE chunks (
  id   INTEGER NOT NULL,             -- keys.id
  n    INTEGER NOT NULL,             -- chunk number, from 0
  data BLOB NOT NULL,
  PRIMARY KEY (id, n)
) STRICT, WITHOUT ROWID;

-- Deleted keys whose further rows (chunks) are still to be reaped, in slices.
CREATE TABLE garbage (
  id INTEGER PRIMARY KEY             -- keys.id, already gone from keys
) STRICT;

-- Readable: every key with its database, type, size and time to live.
CREATE VIEW all_keys AS
  SELECT s.db,
         CAST(k.key AS TEXT) AS key,
         CASE k.type WHEN 1 THEN 'string' WHEN 2 THEN 'list' WHEN 3 THEN 'set'
                     WHEN 4 THEN 'zset' WHEN 5 THEN 'hash' WHEN 6 THEN 'stream' END AS type,
         CASE WHEN k.chunked > 0 THEN k.chunked ELSE length(k.value) END AS bytes,
         CASE WHEN k.expires_ms > 0
              THEN datetime(k.expires_ms / 1000, 'unixepoch') END AS expires_at_utc,
         CASE WHEN k.expires_ms > 0
              THEN round(k.expires_ms / 1000.0 - (julianday('now') - 2440587.5) * 86400.0, 3)
              END AS ttl_seconds
    FROM keys k JOIN spaces s USING (space)
   WHERE s.db IS NOT NULL
     AND (k.expires_ms = 0
          OR k.expires_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));

-- Readable: strings with their values; a chunked one shows its first chunk.
CREATE VIEW strings AS
  SELECT s.db,
         CAST(k.key AS TEXT) AS key,
         CAST(CASE WHEN k.chunked > 0
                   THEN (SELECT data FROM chunks c WHERE c.id = k.id AND c.n = 0)
                   ELSE k.value END AS TEXT) AS value,
         k.expires_ms
    FROM keys k JOIN spaces s USING (space)
   WHERE k.type = 1 AND s.db IS NOT NULL;
