package main

import (
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"diskette/resp"
)

// logger is zerolog with what the store and a failing start need.
type logger struct {
	zerolog.Logger
	elsewhere bool // what it writes does not show where the server was started
}

// newLog logs to the configured file or standard output: readable on a terminal, JSON otherwise.
func newLog(cfg *resp.Config) (logger, error) {
	level := resp.LogLevel(cfg.Text("loglevel"))
	zerolog.SetGlobalLevel(level)
	out := os.Stdout
	name := cfg.Text("logfile")
	if name != "" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return logger{}, fmt.Errorf("can not open the log file: %w", err)
		}
		out = f
	}
	l := logger{zerolog.New(out), name != "" || level == zerolog.Disabled}
	zerolog.TimeFieldFormat = time.RFC3339Nano
	if isatty.IsTerminal(out.Fd()) {
		const clock = "15:04:05.000"
		zerolog.TimeFieldFormat = clock
		l.Logger = zerolog.New(zerolog.ConsoleWriter{Out: out, TimeFormat: clock})
	}
	l.Logger = l.With().Timestamp().Logger()
	return l, nil
}

// fatal logs why the server does not start, and says it on standard error if the log is not to be seen there.
func (l logger) fatal(what string, err error) {
	l.Error().Err(err).Msg(what)
	if l.elsewhere {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	}
}

// Event logs what the store reports: an error as such, the rest as information.
func (l logger) Event(event string, err error, fields ...any) {
	e := l.Info()
	if err != nil {
		e = l.Error().Err(err)
	}
	e.Fields(fields).Msg(event)
}
