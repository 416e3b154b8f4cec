package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"diskette/store"
)

// statsCommand is diskette stats.
type statsCommand struct {
	Dir      string `arg:"" help:"The data directory, the server's --dir, or a backup."`
	JSON     bool   `name:"json" help:"Write the result as JSON."`
	Prefixes number `default:"10" help:"How many prefixes of names are told of each database, those of the most bytes first."`
	Level    number `enum:"1,2" default:"1" help:"Prefixes up to the first ':' of a name, or up to the second one."`
	Recover  bool   `help:"Of a server that was killed, bring what the journal has into the tables first."`
}

// Help is what --help says besides.
func (statsCommand) Help() string {
	return `The figures are of the tables, some seconds behind a server that runs. INFO has those of the server itself. The statistics
are those of CACHE STATS and CACHE PREFIXES, as the server has stored them last: it does so once a minute, and at its end.`
}

type statsResult struct {
	Dir           string          `json:"dir"`
	Served        bool            `json:"served"`
	LastEnd       string          `json:"last_end"`
	Format        int64           `json:"format"`
	Keys          int64           `json:"keys"`
	Expiring      int64           `json:"expiring"`
	DatabaseBytes int64           `json:"database_bytes"`
	FreeBytes     int64           `json:"database_free_bytes"`
	WALBytes      int64           `json:"wal_bytes"`
	JournalBytes  int64           `json:"journal_bytes"`
	Unapplied     int64           `json:"unapplied_records"`
	SetAside      int64           `json:"rows_set_aside"`
	ImportedFrom  string          `json:"imported_from,omitempty"`
	ImportedAt    string          `json:"imported_at,omitempty"`
	ImportedKeys  int64           `json:"imported_keys,omitempty"`
	Databases     []databaseStats `json:"databases"`
	Statistics    *keptStatistics `json:"statistics"` // null = none are kept
}

type databaseStats struct {
	Number   int   `json:"db"`
	Keys     int64 `json:"keys"`
	Expiring int64 `json:"expiring"`
}

// Run does it.
func (c *statsCommand) Run(s *session) error {
	o, err := s.look(c.Dir, c.Recover)
	if err != nil {
		return err
	}
	f, err := o.Figures()
	var kept *keptStatistics
	if err == nil {
		kept, err = c.statistics(o)
	}
	if closed := o.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	r := statsOf(f)
	r.Statistics = kept
	return s.answer(c.JSON, r, r.write)
}

func statsOf(f store.Figures) *statsResult {
	r := &statsResult{Dir: f.Dir, Served: f.Running, LastEnd: f.LastEnd, Format: f.Format, Keys: f.Keys, Expiring: f.Expiring,
		DatabaseBytes: f.DatabaseBytes, FreeBytes: f.FreeBytes, WALBytes: f.WALBytes, JournalBytes: f.JournalBytes,
		Unapplied: f.Unapplied, SetAside: f.SetAside, Databases: []databaseStats{}}
	if i := f.Imported; i.Source != "" {
		r.ImportedFrom, r.ImportedAt, r.ImportedKeys = i.Source, i.Time.UTC().Format(time.RFC3339), i.Keys
	}
	for _, d := range f.Databases {
		r.Databases = append(r.Databases, databaseStats{d.Number, d.Keys, d.Expiring})
	}
	return r
}

func (r *statsResult) write(w io.Writer) {
	defer r.Statistics.write(w)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	line("directory", r.Dir)
	switch {
	case r.Served:
		line("state", "a server has it open")
	case r.LastEnd == "":
		line("state", "a database file without a directory")
	default:
		line("state", "no server; the last one ended: "+r.LastEnd)
	}
	line("format", r.Format)
	line("database", fmt.Sprintf("%d bytes, %d of them free", r.DatabaseBytes, r.FreeBytes))
	line("WAL", fmt.Sprintf("%d bytes", r.WALBytes))
	line("journal", fmt.Sprintf("%d bytes, %d records not in the tables", r.JournalBytes, r.Unapplied))
	if r.SetAside > 0 {
		line("set aside", fmt.Sprintf("%d rows", r.SetAside))
	}
	if r.ImportedFrom != "" {
		line("imported", fmt.Sprintf("%d keys from %s, %s", r.ImportedKeys, r.ImportedFrom, r.ImportedAt))
	}
	line("keys", fmt.Sprintf("%d, %d of them with a deadline", r.Keys, r.Expiring))
	for _, d := range r.Databases {
		line(fmt.Sprintf("  database %d", d.Number), fmt.Sprintf("%d, %d", d.Keys, d.Expiring))
	}
	switch {
	case r.Statistics == nil:
		line("statistics", "none are kept")
	case r.Statistics.Since > 0:
		line("statistics", fmt.Sprintf("stored %d records ago", r.Statistics.Since))
	}
	t.Flush()
}
