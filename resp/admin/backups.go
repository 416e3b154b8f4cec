package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// backup is a copy of everything that somebody has downloaded to its end.
type backup struct {
	At    time.Time
	Kind  string // "an RDB file"
	Bytes float64
}

// backups knows the last one, and keeps it in the database.
type backups struct {
	mu    sync.Mutex
	known backup
}

const backupPart = "backup"

func (b *backups) last() backup {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known
}

// noteBackup remembers one that was downloaded.
func (s *Server) noteBackup(done backup) {
	s.backups.mu.Lock()
	s.backups.known = done
	s.backups.mu.Unlock()
	text, err := json.Marshal(done)
	if err == nil {
		err = s.back.Keep(s.stopping, backupPart, map[string][]byte{"last": text})
	}
	if err != nil {
		s.back.Log("when the last backup was downloaded could not be stored", err)
	}
}

// restoreBackup takes in which was the last before a restart.
func (s *Server) restoreBackup() {
	kept, err := s.back.Kept(s.stopping, backupPart)
	if err != nil {
		s.back.Log("when the last backup was downloaded can not be read", err)
	}
	s.backups.mu.Lock()
	defer s.backups.mu.Unlock()
	if text := kept["last"]; text != "" && s.backups.known.At.IsZero() {
		_ = json.Unmarshal([]byte(text), &s.backups.known)
	}
}

// A File is a copy that is read and let go.
type File interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

// copyDatabase sends the database file as it is at one moment. Nobody's permission says anything of files, so it takes
// the one to have all data, SYNC's, which the RDB file takes, too.
func (l *look) copyDatabase() error {
	err := l.s.ask(func(c *conn) error {
		v, err := c.do("ACL", "DRYRUN", l.se.user, "SYNC")
		if err == nil && v.text != "OK" {
			err = denial{"NOPERM " + v.text}
		}
		return err
	})
	if err != nil {
		return err
	}
	if !l.s.copying.TryLock() {
		return refusal{http.StatusConflict, "a copy is being made or fetched already: one at a time"}
	}
	defer l.s.copying.Unlock()
	ctx, giveUp := context.WithCancel(l.r.Context())
	defer giveUp()
	defer context.AfterFunc(l.s.stopping, giveUp)()
	if ctx.Err() != nil || l.s.stopping.Err() != nil {
		return errors.New("the server ends")
	}
	file, err := l.s.back.Copy(ctx)
	if err != nil {
		return refusal{http.StatusInsufficientStorage, "No copy was made: " + err.Error()}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	now := time.Now()
	l.file("diskette-" + now.UTC().Format("20060102-150405") + ".db")
	l.w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	piece := make([]byte, 256<<10)
	for {
		n, err := file.Read(piece)
		if n > 0 && l.write(piece[:n]) != nil || err != nil && err != io.EOF || l.s.stopping.Err() != nil {
			panic(http.ErrAbortHandler) // the browser is to see that it is not whole
		}
		if err == io.EOF {
			break
		}
	}
	l.s.noteBackup(backup{now, "an SQLite file", float64(info.Size())})
	return nil
}
