package main

import (
	"fmt"
	"io"
	"time"

	"diskette/store"
)

// checkCommand is diskette check.
type checkCommand struct {
	Dir     string `arg:"" help:"The data directory, the server's --dir, or a backup."`
	JSON    bool   `name:"json" help:"Write the result as JSON."`
	Recover bool   `help:"Of a server that was killed, bring what the journal has into the tables first."`
	Foreign bool   `help:"Of a backup: another program has copied it from a stopped directory; its pages' checksums are not compared."`
}

// Help is what --help says besides.
func (checkCommand) Help() string {
	return `Reads all of the database: each page's checksum, free pages too, SQLite's structures, and that rows, counts, elements and their index go
together; of a directory that no server has open also whether database, journal and state fit. Of a backup the file alone is looked
at. Nothing is changed. The status is 1 if something is wrong.`
}

// checkResult is what it writes as JSON.
type checkResult struct {
	Dir       string   `json:"dir"`
	OK        bool     `json:"ok"`
	Served    bool     `json:"served"`
	Alone     bool     `json:"file_alone"` // there was no journal to look at
	Faults    []string `json:"faults"`
	Unapplied int64    `json:"unapplied_records"`
	Seconds   float64  `json:"seconds"`

	Damaged []damagedPart `json:"damaged,omitempty"`
}

// damagedPart is rows that can not be read.
type damagedPart struct {
	Table  string     `json:"table"`
	After  int64      `json:"after_id,omitempty"`
	Before int64      `json:"before_id,omitempty"`
	Note   string     `json:"note"`
	Cause  string     `json:"cause,omitempty"`
	Keys   []namedKey `json:"keys"`
	More   int64      `json:"more"`
}

type namedKey struct {
	DB        int  `json:"db"`
	Key       any  `json:"key"`                 // {"base64": ...} if it is no text
	Beginning bool `json:"beginning,omitempty"` // the rest of the name can not be read
}

// Run does it.
func (c *checkCommand) Run(s *session) error {
	begun := time.Now()
	var o *store.Outside
	var err error
	if isFile(c.Dir) {
		o, err = s.lookAtFile(c.Dir, c.Recover, c.Foreign)
	} else {
		o, err = s.look(c.Dir, c.Recover)
	}
	if err != nil {
		return err
	}
	bar := newProgressBar(s.errors)
	faults, err := o.Check(s.ctx, bar.step)
	var parts []store.DamagedPart
	if err == nil {
		var unnamed error
		if parts, unnamed = o.Concerned(s.ctx, bar.step); unnamed != nil {
			s.note("the keys that are concerned could not be named: %v", unnamed)
		}
	}
	bar.end()
	if closed := o.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	r := checkResult{Dir: c.Dir, OK: len(faults) == 0, Served: o.Running, Faults: []string{}, Unapplied: o.Unapplied(),
		Seconds: time.Since(begun).Seconds()}
	for _, f := range faults {
		r.Faults = append(r.Faults, f.Error())
	}
	for _, p := range parts {
		d := damagedPart{p.Table, p.After, p.Before, p.Note, p.Cause, []namedKey{}, p.More}
		for _, k := range p.Keys {
			d.Keys = append(d.Keys, namedKey{k.DB, jsonValue(k.Name), k.Beginning})
		}
		r.Damaged = append(r.Damaged, d)
	}
	r.Alone, _ = o.Alone()
	if o.Half && !r.Alone {
		s.note("a part of newer records is in the tables: rows and counts were not compared; --recover brings in the rest")
	}
	err = s.answer(c.JSON, r, func(w io.Writer) {
		for _, f := range r.Faults {
			fmt.Fprintln(w, f)
		}
		for _, p := range parts {
			fmt.Fprintln(w, p.String())
		}
		if r.OK {
			fmt.Fprintf(w, "%s: everything is as it should be, after %.1f s\n", c.Dir, r.Seconds)
		}
	})
	if err == nil && !r.OK {
		err = fmt.Errorf("%s: %d faults", c.Dir, len(faults))
	}
	return err
}
