package admin

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"
)

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
	began := time.Now() // all that was acknowledged by now is in the copy
	file, err := l.s.back.Copy(ctx)
	if err != nil {
		return refusal{http.StatusInsufficientStorage, "No copy was made: " + err.Error()}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	l.file("diskette-" + began.UTC().Format("20060102-150405") + ".db")
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
	l.s.back.NoteBackup("database", began, info.Size())
	return nil
}
