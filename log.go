package main

import (
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"diskette/resp"
)

// logger is zerolog with the one method the store needs.
type logger struct{ zerolog.Logger }

// newLog logs to the configured file or standard output: readable on a terminal, JSON otherwise.
func newLog(cfg *resp.Config) (zerolog.Logger, error) {
	out := os.Stdout
	if name := cfg.Text("logfile"); name != "" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return zerolog.Nop(), fmt.Errorf("can not open the log file: %w", err)
		}
		out = f
	}
	zerolog.TimeFieldFormat = zerolog.TimeFormatUnixMs
	if isatty.IsTerminal(out.Fd()) {
		zerolog.TimeFieldFormat = "15:04:05.000"
		return zerolog.New(zerolog.ConsoleWriter{Out: out, TimeFormat: "15:04:05.000"}).With().Timestamp().Logger(), nil
	}
	zerolog.TimeFieldFormat = time.RFC3339Nano
	return zerolog.New(out).With().Timestamp().Logger(), nil
}

// Event logs what the store reports: an error as such, the rest as information.
func (l logger) Event(event string, err error, fields ...any) {
	e := l.Info()
	if err != nil {
		e = l.Error().Err(err)
	}
	e.Fields(fields).Msg(event)
}
