package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"diskette/resp"
	"diskette/resp/config"
	"diskette/resp/movein"
	"diskette/resp/moveout"
	"diskette/store"
	"diskette/store/journal"
)

// tellEvery is how often the log says how far an import is.
const tellEvery = 3 * time.Second

// errEnded ends an import because the server is to end.
var errEnded = errors.New("the server ends")

// moveIn imports what Redis has left in a directory that has no data yet. Clients are answered meanwhile, with
// -LOADING. why is not empty if the server is to end in its middle.
func moveIn(cfg *config.Config, server *resp.Server, log logger, answer func() error,
	signals <-chan os.Signal, ending <-chan string) (why string, err error) {
	dir := cfg.Text("dir")
	if !store.Fresh(dir) {
		return "", nil
	}
	o := importOptions(cfg, server, log)
	source, err := movein.Find(dir, o)
	switch {
	case !cfg.Bool("import"):
		if source != nil {
			log.Warn().Str("dir", dir).Str("file", source.Name).
				Msg("begins empty, as --import no says: Redis's files are left unread")
		}
		return "", nil
	case err != nil:
		return "", fmt.Errorf("%w; start with --import no to begin empty", err)
	case source == nil:
		return "", nil
	}
	log.Info().Str("dir", dir).Str("file", source.Name).Strs("left", source.Left).Int64("bytes", source.Size).
		Msg("moving in: there is no database yet, and files of Redis's are")
	loading := server.BeginLoading(source.Size)
	if err := answer(); err != nil {
		return "", fmt.Errorf("can not listen: %w", err)
	}
	o.Progress = tellProgress(log, loading)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	type outcome struct {
		result *movein.Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := source.Run(ctx, o)
		done <- outcome{result, err}
	}()
	var got outcome
	select {
	case got = <-done:
	case s := <-signals:
		why = s.String()
	case why = <-ending:
	}
	if why != "" {
		cancel(errEnded)
		if got = <-done; got.err == nil || errors.Is(got.err, errEnded) {
			return why, nil
		}
	}
	if got.err != nil {
		return "", got.err
	}
	tellResult(log, got.result)
	return "", nil
}

// importOptions are those of an import into the directory of the configuration.
func importOptions(cfg *config.Config, server *resp.Server, log logger) movein.Options {
	o := storeOptions(cfg, server, log)
	o.Policy, o.Hooks, o.Others = journal.No, store.Hooks{}, nil
	return movein.Options{
		Names: movein.Names{Dump: cfg.Text("dbfilename"), AppendDir: cfg.Text("appenddirname"),
			Append: cfg.Text("appendfilename")},
		Appending:   cfg.Appending,
		CutTornEnd:  cfg.Bool("aof-load-truncated"),
		NoChecksum:  !cfg.Bool("rdbchecksum"),
		SkipModules: cfg.Bool("import-skip-modules"),
		Prefix:      cfg.Text("import-damaged") == "prefix",
		StringBytes: cfg.Int("proto-max-bulk-len"),
		Store:       o,
		Commands:    func(st *store.Store) movein.Commands { return server.Replay(st) },
	}
}

// redisFiles are the names that Redis's files have in a data directory. A dump that we have written is none of them.
func redisFiles(cfg *config.Config) []string {
	names := []string{cfg.Text("appendfilename"), cfg.Text("appenddirname")}
	if dump := cfg.Text("dbfilename"); !moveout.Ours(filepath.Join(cfg.Text("dir"), dump)) {
		names = append([]string{dump}, names...)
	}
	return names
}

// tellProgress notes how far an import is, for INFO, and logs it now and then.
func tellProgress(log logger, loading *resp.Loading) func(movein.Progress) {
	told := time.Now()
	return func(p movein.Progress) {
		loading.Note(p.Bytes, p.Read, p.Expired)
		if time.Since(told) < tellEvery {
			return
		}
		told = time.Now()
		e := log.Info().Str("percent", fmt.Sprintf("%.1f", p.Percent())).Int64("keys", p.Read)
		if p.Commands > 0 {
			e = e.Int64("commands", p.Commands)
		}
		if p.Indexing {
			e.Msg("moving in: all is read, the index on the names is being made")
			return
		}
		e.Float64("seconds_left", p.Left().Round(100*time.Millisecond).Seconds()).Msg("moving in")
	}
}

// tellResult logs what an import has done.
func tellResult(log logger, r *movein.Result) {
	for event, err := range map[string]error{"the file is damaged: what stands before the fault was imported": r.Fault,
		"the end of the append only file is torn and was left out": r.Torn} {
		if err != nil {
			log.Warn().Err(err).Msg(event)
		}
	}
	seconds := r.Took.Seconds()
	read := max(r.Read, r.Keys) // those that commands have made were not read
	log.Info().Str("file", r.Source).Int64("keys", r.Keys).Int64("expired", r.Expired).Int64("commands", r.Commands).
		Int("libraries", r.Libraries).Int64("values_of_modules_left_out", r.ModulesSkipped).Float64("seconds", seconds).
		Int64("keys_per_second", int64(float64(read)/max(seconds, 0.001))).
		Msg("moved in: from now on the data is Diskette's, and the file is not read again")
}
