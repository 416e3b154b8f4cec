package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// tileNamed is a tile of a server that INFO says this of.
func tileNamed(info, name string) *tile {
	r := parseInfo(strings.ReplaceAll(info, "\n", "\r\n"))
	for _, t := range append(overviewTiles(r), originTiles(r, time.Unix(1_000_000, 0))...) {
		if t.Name == name {
			return &t
		}
	}
	return nil
}

func TestTheOverviewTellsWhoHoldsTheWAL(t *testing.T) {
	const name = "SQLite’s WAL is held"
	held := "# Diskette\nwal_held_by_reader_seconds:15.2\nwal_limit:67108864\nwal_bytes:%d\n"
	if found := tileNamed("# Diskette\nwal_held_by_reader_seconds:0.000\nwal_bytes:70000000\nwal_limit:67108864\n", name); found != nil {
		t.Errorf("nobody does, and there is %+v", found)
	}
	if found := tileNamed(fmt.Sprintf(held, 50_000_000), name); found == nil || found.Bad || !strings.Contains(found.More, "15.2 s") {
		t.Errorf("below wal-limit: %+v", found)
	}
	if found := tileNamed(fmt.Sprintf(held, 67_108_864), name); found == nil || !found.Bad || !strings.Contains(found.More, "64.0 MB") {
		t.Errorf("at wal-limit: %+v", found)
	}
}

func TestTheOverviewTellsWhereTheDataCameFromAndWhereItWasCopied(t *testing.T) {
	imported := "# Persistence\nimported_from:dump.rdb <b>\nimported_time:996400\nimported_keys:1234\n"
	backup := "# Persistence\nlast_backup_time:999000\nlast_backup_bytes:2048\n"
	for _, c := range []struct{ name, info, value, more string }{
		{"Last import", imported, "1 h 0 min ago", "1,234 keys from dump.rdb <b>"},
		{"Last backup", backup + "last_backup_kind:rdb\nlast_backup_by:save\nlast_backup_file:/data/dump.rdb\n", "16 min 40 s ago",
			"an RDB file by SAVE, 2.0 KB: /data/dump.rdb"},
		{"Last backup", backup + "last_backup_kind:rdb\nlast_backup_by:page\nlast_backup_file:\n", "16 min 40 s ago",
			"an RDB file downloaded, 2.0 KB"},
		{"Last backup", backup + "last_backup_kind:database\nlast_backup_by:backup\nlast_backup_file:/a: b.db\n", "16 min 40 s ago",
			"an SQLite file by diskette backup, 2.0 KB: /a: b.db"},
		{"Last backup", backup + "last_backup_kind:newer\nlast_backup_by:other\n", "16 min 40 s ago", "newer other, 2.0 KB"},
		{"Last backup", "# Persistence\nlast_backup_time:-1\n", "none known",
			"by this page, SAVE, diskette backup or export; what others copy is not seen"},
		{"Last backup", "# Persistence\nlast_backup_time:-1\nlast_backup_error:it is damaged\n", "not known", "it is damaged"},
		{"Last fsync", "# Server\nserver_time_usec:1000000500000\n# Diskette\nlast_fsync_time:999998.2\nfsyncs:2\nfsync_usec:3000\n", "2.0 s ago",
			"one takes 1.5 ms"},
		{"Last fsync", "", "none", "since the start; appendfsync says when"},
	} {
		if found := tileNamed(c.info, c.name); found == nil || found.Value != c.value || found.More != c.more {
			t.Errorf("%s is %+v, not %s, %s", c.name, found, c.value, c.more)
		}
	}
	if found := tileNamed("", "Last import"); found != nil {
		t.Errorf("nothing was imported, and there is %+v", found)
	}
}

func TestThePageSaysWhatItIs(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	if _, body := s.get(nil, "/login"); !strings.Contains(body, "<title>Log in – Diskette</title>") {
		t.Errorf("the form to log in has no title:\n%.600s", body)
	}
	s.do("SET", "a", "1")
	if _, body := s.get(s.logIn("default", "secret"), "/"); !strings.Contains(body, ">History</h2>") || !strings.Contains(body, "<dt>Last fsync</dt>") {
		t.Errorf("%s", body)
	}
}
