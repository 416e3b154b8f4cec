package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/resp/moveout"
	"diskette/store"
)

const exportUsage = `Usage: diskette export FILE.rdb [DIR] [--json] [--option value ...]

Writes all data of a directory to an RDB file, which redis-server reads: a file that is there is replaced when the new one
is complete. A server may have the directory open, and need not be asked: the file then has what was acknowledged before
the export began, and some of what came later, of one moment. DIR is the server's --dir. The options are the server's,
such as --export-rdb-version 9, for Redis 5 and 6 (10: 7.0, 11: 7.2, the default, 12: 7.4), or --rdbcompression no.

The exit status is 0 when all is in the file, 1 when nothing was written, or interrupted, and 2 when the arguments can not be
understood. --json writes the result as JSON.
`

// exportPatience is how long an export waits for what the journal of a running server has before the tables have it.
// Write-back begins after 4 seconds.
const exportPatience = time.Minute

// exportCommand is diskette export. It returns the exit status.
func exportCommand(args []string, stdout, stderr *os.File) int {
	a, err := exportArguments(args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, exportUsage)
		return statusOK
	}
	if err == nil {
		err = export(a, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return statusOf(err)
}

// exportResult is what it writes as JSON.
type exportResult struct {
	File      string  `json:"file"`
	Dir       string  `json:"dir"`
	Keys      int64   `json:"keys"`
	Libraries int     `json:"libraries"`
	Bytes     int64   `json:"bytes"`
	Warning   string  `json:"warning,omitempty"`
	Seconds   float64 `json:"seconds"`
}

var errHelp = errors.New("help was asked for")

// exporting is export's own arguments, and the server's options.
type exporting struct {
	file    string
	json    bool
	options []string
}

// exportArguments takes export's own arguments apart from the server's options.
func exportArguments(args []string) (a exporting, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "-h" || word == "--help":
			return a, errHelp
		case word == "--json":
			a.json = true
		case strings.HasPrefix(word, "--") && len(args) == 0:
			return a, usageError{fmt.Sprintf("%s needs a value\n%s", word, exportUsage)}
		case strings.HasPrefix(word, "--"):
			a.options = append(a.options, word, args[0])
			args = args[1:]
		case a.file == "":
			a.file = word
		default:
			a.options = append(a.options, "--dir", word)
		}
	}
	if a.file == "" {
		err = usageError{"the name of the file is missing\n" + exportUsage}
	}
	return a, err
}

func export(a exporting, stdout, stderr *os.File) (err error) {
	cfg, err := optionsOf(a.options, exportUsage)
	if err != nil {
		return err
	}
	if there, err := os.Stat(a.file); err == nil && !there.Mode().IsRegular() {
		return fmt.Errorf("%s is there and is not a regular file: give the name of the file to write", a.file)
	}
	server := resp.NewServer(cfg, zerolog.Nop(), nil)
	o := storeOptions(cfg, server, logger{})
	o.Hooks, o.Others = store.Hooks{}, nil
	o.Log = func(event string, err error, _ ...any) {
		if err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", event, err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	snapshot, closeAll, err := snapshotOf(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	bar := newProgressBar(progressTo(a.json, stdout, stderr))
	out := server.DumpOptions()
	out.Progress = func(p moveout.Progress) {
		bar.draw(p.Percent(), fmt.Sprintf("%d keys", p.Keys)+timeLeft(p.Percent(), p.Took, p.Left()), false)
	}
	result, err := writeExport(ctx, a.file, snapshot, out)
	bar.end()
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted: nothing was written")
		}
		return err
	}
	noteBackup(stderr, o.Dir, store.LastBackup{Time: snapshot.Time(), Kind: store.BackupRDB, By: "export", File: a.file,
		Bytes: result.Bytes})
	if w := result.Warning(); w != "" {
		fmt.Fprintln(stderr, w)
	}
	if a.json {
		return json.NewEncoder(stdout).Encode(exportResult{a.file, o.Dir, result.Keys, result.Libraries, result.Bytes,
			result.Warning(), result.Took.Seconds()})
	}
	report(stdout, a.file, o.Dir, &result)
	return nil
}

func report(out io.Writer, file, dir string, r *moveout.Result) {
	fmt.Fprintf(out, "%s: %d keys of %s and %d libraries of functions, %d bytes, after %.1f s\n", file, r.Keys, dir, r.Libraries,
		r.Bytes, r.Took.Seconds())
}

// snapshotOf takes a snapshot of a directory that has data, beside a server or without one.
func snapshotOf(o store.Options) (s *store.Snapshot, closeAll func() error, err error) {
	if isFile(o.Dir) {
		return nil, nil, fmt.Errorf("%s is a file, and a data directory is expected: a backup needs none to be copied, "+
			"and diskette restore %s DIR makes a directory of it", o.Dir, o.Dir)
	}
	if store.Fresh(o.Dir) {
		return nil, nil, fmt.Errorf("%s %w", o.Dir, store.ErrNoData)
	}
	running, err := store.InUse(o.Dir)
	if err != nil {
		return nil, nil, err
	}
	if running {
		if s, err = store.SnapshotBeside(o.Dir, exportPatience); err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	if _, err := leaveRoot(o.Dir, os.Getenv); err != nil {
		return nil, nil, err
	}
	st, err := store.Open(o)
	if err != nil {
		return nil, nil, err
	}
	if s, err = st.Snapshot(nil); err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return s, func() error { return errors.Join(s.Close(), st.Close()) }, nil
}

// writeExport puts a new file in the place of the one that is there, if one is.
func writeExport(ctx context.Context, file string, s *store.Snapshot, o moveout.Options) (moveout.Result, error) {
	temporary := "." + filepath.Base(file) + "."
	store.RemoveLeft(filepath.Dir(file), temporary, ".tmp")
	f, err := moveout.Create(file, fmt.Sprintf("%s%d.tmp", temporary, os.Getpid()))
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) { // whose name is the temporary one
			err = fmt.Errorf("can not write %s: %w", file, at.Err)
		}
		return moveout.Result{}, err
	}
	held, err := store.Hold(f.Name())
	if err != nil {
		return moveout.Result{}, errors.Join(err, f.Abort())
	}
	defer held.Close()
	result, err := moveout.Write(ctx, f, s, o)
	if err != nil {
		return result, errors.Join(err, f.Abort())
	}
	return result, f.Finish()
}
