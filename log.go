package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/resp/config"
	"diskette/store"
)

// logger is zerolog with what the store and a failing start need.
type logger struct {
	zerolog.Logger
	file      *logFile // nil = standard output
	elsewhere bool     // what it writes does not show where the server was started
}

// newLog logs to the configured file or standard output: readable on a terminal, JSON otherwise. unseen: standard
// output leads nowhere.
func newLog(cfg *config.Config, unseen bool) (logger, error) {
	level := resp.LogLevel(cfg.Text("loglevel"))
	zerolog.SetGlobalLevel(level)
	var out io.Writer = os.Stdout
	descriptor := os.Stdout.Fd()
	l := logger{elsewhere: unseen || level == zerolog.Disabled}
	if name := cfg.Text("logfile"); name != "" {
		l.file, l.elsewhere = &logFile{name: name}, true
		if err := l.file.open(); err != nil {
			return logger{}, fmt.Errorf("can not open the log file: %w", err)
		}
		out, descriptor = l.file, l.file.f.Fd()
	}
	zerolog.TimeFieldFormat = time.RFC3339Nano
	if isatty.IsTerminal(descriptor) {
		const clock = "15:04:05.000"
		zerolog.TimeFieldFormat = clock
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: clock}
	}
	l.Logger = zerolog.New(out).With().Timestamp().Logger()
	return l, nil
}

// logFile is a log file that can be opened again under its name, once something has renamed it.
type logFile struct {
	name string
	mu   sync.Mutex
	f    *os.File // guarded by mu
}

// open opens the file, creating it, and lets go of the one before; after an error that one stays.
func (l *logFile) open() error {
	f, err := os.OpenFile(l.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	l.mu.Lock()
	before := l.f
	l.f = f
	l.mu.Unlock()
	if before != nil {
		before.Close()
	}
	return nil
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// reopenAt opens the log file again at each signal, as log rotation wants; without a file a
// signal, which a closed terminal sends, does nothing, as in Redis.
func (l logger) reopenAt(signals <-chan os.Signal) {
	for range signals {
		if l.file == nil {
			continue
		}
		if err := l.file.open(); err != nil {
			l.Error().Err(err).Msg("SIGHUP: can not open the log file again, going on in the old one")
			continue
		}
		l.Info().Int("pid", os.Getpid()).Str("version", resp.Version).Msg("SIGHUP: log file opened again")
	}
}

// opened says in one line what the data are that this start found.
func (l logger) opened(o store.Opened) {
	e := l.Info().Str("dir", o.Dir).Int("format", o.Format)
	if o.New {
		e.Msg("new data directory")
		return
	}
	e.Int64("keys", o.Keys).Int64("database_bytes", o.DatabaseBytes).Int64("journal_bytes", o.JournalBytes).
		Str("last_end", o.LastEnd).Int64("recovered_records", o.Records).Int64("recovered_rows", o.Rows).
		Float64("recovery_seconds", o.Recovery.Round(time.Millisecond).Seconds()).Msg("data opened")
}

// fatal logs why the server does not start, and says it on standard error if the log is not to be seen there.
func (l logger) fatal(what string, err error) {
	l.Error().Err(err).Msg(what)
	if l.elsewhere {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	}
}

// Event logs what the store reports: an error or a warning as such, the rest as information.
func (l logger) Event(event string, err error, fields ...any) {
	e := l.Info()
	var warning store.Warning
	switch {
	case errors.As(err, &warning):
		e = l.Warn().Err(err)
	case err != nil:
		e = l.Error().Err(err)
	}
	e.Fields(fields).Msg(event)
}
