package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"diskette/store"
)

// backupCommand is diskette backup.
type backupCommand struct {
	Dir  string `arg:"" help:"The data directory, the server's --dir."`
	File string `arg:"" help:"The file to write. One that is there is replaced when the new one is complete."`
	JSON bool   `name:"json" help:"Write the result as JSON."`

	Since *string `placeholder:"BASE" help:"Write an increment: the pages that differ from BASE, a whole backup that was made before."`
}

// Help is what --help says besides.
func (backupCommand) Help() string {
	return `The copy is of one moment, has everything that was acknowledged before, and needs nothing beside it: diskette restore makes a
data directory of it, and so does putting it into an empty one as diskette.db. A server goes on meanwhile; what it writes stays in
diskette.db-wal until the copy is made. Pages are copied as they are, so it takes as long as reading the file.

With --since BASE the file has only what differs from BASE, and diskette restore BASE DIR --increment FILE takes both. BASE is read
and never written to; several increments over one base need the base, and not each other.`
}

type backupResult struct {
	Dir      string  `json:"dir"`
	File     string  `json:"file"`
	Keys     int64   `json:"keys"`
	Bytes    int64   `json:"bytes"`
	SetAside int64   `json:"rows_set_aside"`
	Seconds  float64 `json:"seconds"`

	Since      string `json:"since,omitempty"` // the base of an increment, with what follows
	WholeBytes int64  `json:"whole_bytes,omitempty"`
	Pages      int64  `json:"pages,omitempty"`
	Stored     int64  `json:"pages_stored,omitempty"`
	Other      bool   `json:"base_of_other_directory,omitempty"`
}

// Run does it.
func (c *backupCommand) Run(s *session) (err error) {
	begun := time.Now()
	since, err := given(c.Since, "--since", "the whole backup that FILE is to go with")
	if err != nil {
		return err
	}
	options, err := storeAt(c.Dir, s.errors)
	if err != nil {
		return err
	}
	snapshot, closeAll, err := snapshotOf(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	r := backupResult{Dir: c.Dir, File: c.File, SetAside: snapshot.SetAside}
	for _, d := range snapshot.Databases {
		r.Keys += d.Keys
	}
	kind := store.BackupDatabase
	bar := newProgressBar(s.errors)
	if since == "" {
		r.Bytes, err = snapshot.Backup(s.ctx, c.File, func(done, pages int) {
			bar.step(fmt.Sprintf("%d of %d pages", done, pages), done, pages)
		})
	} else {
		kind = store.BackupIncrement
		var in store.Increment
		in, err = snapshot.BackupSince(s.ctx, since, c.File, bar.step)
		r.Since, r.Bytes, r.WholeBytes = since, in.Bytes, in.WholeBytes()
		r.Pages, r.Stored, r.Other = in.Pages, in.Stored, in.Other
	}
	bar.end()
	if err != nil {
		return err
	}
	if r.Other {
		s.note("%s is a copy of another directory, or of this one before it was restored: %d of %d pages differ", since,
			r.Stored, r.Pages)
	}
	if r.SetAside > 0 {
		s.note("%d rows are not in the copy: the tables have never taken them, and %s/aside keeps them", r.SetAside, c.Dir)
	}
	noteBackup(s.errors, c.Dir, store.LastBackup{Time: snapshot.Time(), Kind: kind, By: "backup",
		File: c.File, Bytes: r.Bytes})
	r.Seconds = time.Since(begun).Seconds()
	return s.answer(c.JSON, r, func(w io.Writer) {
		what := fmt.Sprintf("%s: %d keys of %s, %d bytes", c.File, r.Keys, c.Dir, r.Bytes)
		if since != "" {
			what += fmt.Sprintf(" beside %s, which it needs; a whole backup has %d", since, r.WholeBytes)
		}
		fmt.Fprintf(w, "%s, after %.1f s\n", what, r.Seconds)
	})
}

// given is the value of a flag that names a file, "" if it was not given. An empty name is no file's: a variable of the
// caller's was empty, and to go on without would do something else than was asked for.
func given(flag *string, name, what string) (file string, err error) {
	switch {
	case flag == nil:
		return "", nil
	case *flag == "":
		return "", fmt.Errorf("%s is empty: it names %s; leave it out if there is none", name, what)
	}
	return *flag, nil
}

// noteBackup notes in a data directory that a copy was made, for the server's INFO and page.
func noteBackup(told io.Writer, dir string, b store.LastBackup) {
	if err := store.NoteBackup(dir, b); err != nil {
		fmt.Fprintf(told, "%s is whole, but the server does not know of it: it could not be noted in %s: %v\n", b.File, dir, err)
	}
}
