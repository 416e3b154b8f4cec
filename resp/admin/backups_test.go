package admin

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"diskette/store"
)

// noCopies fails if a copy is left in a directory.
func noCopies(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "temp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
}

func TestTheDownloadedDatabaseServesAllThatWasThere(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	s := start(t, dir)
	s.do("SET", hostile, hostile, "EX", "1000")
	s.do("RPUSH", "list", "a", "b", "c")
	s.do("SETRANGE", "long", "3000000", "the end")
	c := s.logIn("", "")
	if _, body := s.get(c, "/"); !strings.Contains(body, "<dt>Last backup</dt><dd><strong>none known</strong>") {
		t.Errorf("there was a backup already:\n%s", body)
	}
	status, body := s.get(c, "/backup/db")
	if status != http.StatusOK {
		t.Fatalf("%d %.300s", status, body)
	}
	noCopies(t, dir)
	if err := os.WriteFile(filepath.Join(other, "diskette.db"), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	_, overview := s.get(c, "/")
	for _, want := range []string{"<dt>Last backup</dt><dd><strong>", "an SQLite file downloaded, "} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview does not say %q", want)
		}
	}
	copied := start(t, other)
	if v := copied.do("GET", hostile); v.text != hostile || copied.do("TTL", hostile).int() < 900 {
		t.Errorf("%q", v.text)
	}
	if copied.do("LLEN", "list").int() != 3 || copied.do("STRLEN", "long").int() != 3000007 || copied.do("DBSIZE").int() != 3 {
		t.Error("the copy has other keys")
	}
}

func TestACopyOfTheDatabaseTakesPermissionAndIsOneAtATime(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "--requirepass", "secret")
	s.do("ACL", "SETUSER", "ann", "on", ">word", "~*", "&*", "+@all", "-sync")
	if status, body := s.get(s.logIn("ann", "word"), "/backup/db"); status != http.StatusForbidden || !strings.Contains(body, "NOPERM") {
		t.Errorf("without SYNC: %d %.300s", status, body)
	}
	c := s.logIn("default", "secret")
	held, err := s.server.CopyDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status, body := s.get(c, "/backup/db"); status != http.StatusInsufficientStorage || !strings.Contains(body, "one at a time") {
		t.Errorf("while another is there: %d %.300s", status, body)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	s.page.copying.Lock()
	if status, _ := s.get(c, "/backup/db"); status != http.StatusConflict {
		t.Errorf("while another is fetched: %d", status)
	}
	s.page.copying.Unlock()
	if status, _ := s.get(c, "/backup/db"); status != http.StatusOK {
		t.Errorf("after them: %d", status)
	}
	noCopies(t, dir)
}

// Who goes in the middle of it leaves nothing behind, and another one is served.
func TestADownloadThatIsGivenUpGivesTheRoomBack(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	for _, key := range []string{"a", "b", "c"} {
		s.do("SETRANGE", key, "8000000", "the end") // more than sockets take
	}
	c := s.logIn("", "")
	for range 3 {
		res, err := c.Get(s.at + "/backup/db")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		c.CloseIdleConnections()
		for deadline := time.Now().Add(time.Minute); !s.page.copying.TryLock(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the copy is held for nobody")
			}
		}
		s.page.copying.Unlock()
		noCopies(t, dir)
	}
	if last, err := store.ReadLastBackup(dir); !errors.Is(err, store.ErrNoBackup) {
		t.Errorf("it counts as a backup: %+v, %v", last, err)
	}
}

func TestWhatAKilledServerHasLeftOfACopyIsRemoved(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "temp-download-123", "copy.456.tmp")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	noCopies(t, dir)
}

func TestTheLastBackupIsKnownAfterARestart(t *testing.T) {
	dir := t.TempDir()
	t.Run("", func(t *testing.T) {
		s := start(t, dir)
		if status, _ := s.get(s.logIn("", ""), "/backup/rdb"); status != http.StatusOK {
			t.Errorf("%d", status)
		}
	})
	s := start(t, dir)
	c := s.logIn("", "")
	for _, at := range []string{"/", "/backup"} {
		if _, body := s.get(c, at); !strings.Contains(body, "an RDB file downloaded, ") {
			t.Errorf("%s does not tell of it:\n%s", at, body)
		}
	}
}

// A copy that a command has made beside the server is seen at once, and so is dump.rdb.
func TestTheOverviewTellsOfEachKindOfBackup(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	c := s.logIn("", "")
	if status, body := s.get(c, "/metrics"); status != http.StatusOK || strings.Contains(body, "\ndiskette_last_backup_timestamp_seconds") {
		t.Errorf("%d: there was a backup already:\n%s", status, body)
	}
	err := store.NoteBackup(dir, store.LastBackup{Time: time.Unix(1_000_000, 0), Kind: store.BackupDatabase, By: "backup",
		File: "/backups/<b>.db", Bytes: 2048})
	if err != nil {
		t.Fatal(err)
	}
	if _, body := s.get(c, "/"); !strings.Contains(body, "an SQLite file by diskette backup, 2.0 KB: /backups/&lt;b&gt;.db") {
		t.Errorf("%s", body)
	}
	if _, body := s.get(c, "/metrics"); !strings.Contains(body, "\ndiskette_last_backup_timestamp_seconds 1e+06\n") {
		t.Errorf("%s", body)
	}
	if v := s.do("SAVE"); v.text != "OK" {
		t.Fatalf("%+v", v)
	}
	if _, body := s.get(c, "/"); !strings.Contains(body, "an RDB file by SAVE, ") || !strings.Contains(body, "/dump.rdb") {
		t.Errorf("%s", body)
	}
}

// HEAD asks what GET would answer: no copy is made for it, and none is noted.
func TestAQuestionForTheHeadOfABackupIsNoBackup(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	for _, path := range []string{"/backup/db", "/backup/rdb"} {
		answer, err := c.Head(s.at + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("HEAD %s: %d", path, answer.StatusCode)
		}
	}
	if v := s.do("INFO", "persistence"); !strings.Contains(v.text, "last_backup_time:-1") {
		t.Errorf("a backup is noted: %s", v.text)
	}
}
