package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"diskette/store"
)

// restoreCommand is diskette restore.
type restoreCommand struct {
	File string `arg:"" help:"The backup."`
	Dir  string `arg:"" help:"The data directory to make. It may be there, without data."`
	JSON bool   `name:"json" help:"Write the result as JSON."`

	Increment *string `placeholder:"FILE" xor:"from" help:"An increment, of diskette backup --since; the first argument is its base."`

	Foreign bool `xor:"from" help:"Another program has copied it from a stopped directory: its pages' checksums are not compared."`
}

// Help is what --help says besides.
func (restoreCommand) Help() string {
	return `FILE is of diskette backup, a stopped server's diskette.db, or what Litestream or sqlite3's .backup has copied while a server
ran. With --increment it is the base, and what was backed up since is restored: both are compared with the sums that the increment has of
them. All of it is verified before it becomes the directory's database; a damaged one is refused, and leaves nothing.`
}

type restoreResult struct {
	File    string  `json:"file"`
	Dir     string  `json:"dir"`
	Keys    int64   `json:"keys"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`

	Increment string `json:"increment,omitempty"`
}

// Run does it.
func (c *restoreCommand) Run(s *session) error {
	begun := time.Now()
	increment, err := given(c.Increment, "--increment", "the increment over FILE")
	if err != nil {
		return err
	}
	options, err := storeAt(c.Dir, s.errors)
	if err != nil {
		return err
	}
	switch file, err := os.Stat(c.File); {
	case err != nil:
		return err
	case file.IsDir():
		return fmt.Errorf("%s is a directory, and restore takes a file: diskette backup %s FILE makes one of a data directory", c.File, c.File)
	}
	if _, err := leaveRoot(c.Dir, os.Getenv); err != nil {
		return err
	}
	bar := newProgressBar(s.errors)
	from := store.Source{File: c.File, Increment: increment, Foreign: c.Foreign}
	restored, err := store.Restore(s.ctx, from, options, bar.step)
	bar.end()
	if errors.Is(err, store.ErrHasData) {
		return fmt.Errorf("%s has a database already, and nothing was restored: restore into a new directory, or move this one away", c.Dir)
	}
	if err != nil {
		return err
	}
	if restored.Foreign {
		s.note("the copy was made by another program: its pages' checksums could not be compared, and have been made anew; " +
			"SQLite finds it whole")
	}
	r := restoreResult{c.File, c.Dir, restored.Keys, restored.Bytes, time.Since(begun).Seconds(), increment}
	return s.answer(c.JSON, r, func(w io.Writer) {
		files := c.File
		if increment != "" {
			files += " and " + increment
		}
		fmt.Fprintf(w, "%s: %d keys of %s, %d bytes, after %.1f s\n", c.Dir, r.Keys, files, r.Bytes, r.Seconds)
	})
}
