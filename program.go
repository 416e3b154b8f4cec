package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/resp/config"
	"diskette/store"
)

// The program's commands besides the server. Their exit status is one of these.
const (
	statusOK    = 0
	statusFault = 1
	statusUsage = 2 // the arguments can not be understood
)

// program is the commands whose arguments kong reads: a field a command, each in a file of its own. import and export,
// which take the server's options, read theirs themselves.
type program struct {
	Check   checkCommand   `cmd:"" help:"Verify everything in a data directory, also while it is served, or in a backup."`
	Backup  backupCommand  `cmd:"" help:"Copy a data directory's database into one file, also while it is served."`
	Restore restoreCommand `cmd:"" help:"Make a data directory out of a backup."`
	Stats   statsCommand   `cmd:"" help:"Tell what is in a data directory, also while it is served."`
	SQL     sqlCommand     `cmd:"" name:"sql" help:"Ask the tables and views by SQL, also while they are served."`

	Bench benchCommand `cmd:"" passthrough:"" help:"Put a server under load and tell how fast it is, as redis-benchmark does."`

	Diskcache diskcacheCommand `cmd:"" name:"import-diskcache" help:"Import a directory of Python's DiskCache into a database."`
}

// programCommands are the words that name them, in that order, with their help.
func programCommands() (words, help []string) {
	app := kong.Must(&program{})
	for _, node := range app.Model.Children {
		words, help = append(words, node.Name), append(help, node.Help)
	}
	return words, help
}

// A session is what a command is run with.
type session struct {
	ctx         context.Context
	in          io.Reader
	out, errors *os.File
}

// helped ends a command whose help was asked for.
type helped struct{}

// runProgram runs the command that the first argument names, and returns the exit status.
func runProgram(args []string, in io.Reader, stdout, stderr *os.File) (status int) {
	app := kong.Must(&program{}, kong.Name("diskette"), kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}), kong.Exit(func(int) { panic(helped{}) }))
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(helped); !ok {
				panic(p)
			}
		}
	}()
	command, err := app.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "%v\n", err)
		var parse *kong.ParseError
		if errors.As(err, &parse) && parse.Context != nil {
			fmt.Fprintf(stderr, "Usage: %s\n", summary(parse.Context))
		}
		return statusUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = command.Run(&session{ctx, in, stdout, stderr})
	var done ended
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &done):
		return int(done)
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(stderr, err)
	return statusOf(err)
}

func summary(c *kong.Context) string {
	if node := c.Selected(); node != nil {
		return "diskette " + node.Summary()
	}
	return c.Model.Summary()
}

// ended is the exit status of a command that has said itself what there is to say.
type ended int

func (e ended) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// errUsage is wrapped by what says that arguments can not be understood.
var errUsage = errors.New("wrong arguments")

// usageError is an error whose text says what is wrong with the arguments.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }
func (e usageError) Unwrap() error { return errUsage }

func statusOf(err error) int {
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, errUsage):
		return statusUsage
	}
	return statusFault
}

// note tells something on the standard error.
func (s *session) note(format string, args ...any) { fmt.Fprintf(s.errors, format+"\n", args...) }

// answer writes a result: as text, or as JSON.
func (s *session) answer(asJSON bool, result any, text func(io.Writer)) error {
	if asJSON {
		return json.NewEncoder(s.out).Encode(result)
	}
	text(s.out)
	return nil
}

// optionsOf reads the server's options among a command's arguments.
func optionsOf(options []string, usage string) (*config.Config, error) {
	cfg, _, err := resp.LoadConfig(options, imageDefaults(os.Getenv)...)
	if text, ok := config.OptionFault(err); ok {
		return nil, usageError{text + "\n" + usage}
	}
	return cfg, err
}

// reachable says why no client could reach a database, if none can.
func reachable(argument string, db int, cfg *config.Config) error {
	if db < cfg.Databases {
		return nil
	}
	return usageError{fmt.Sprintf("%s: no client can reach database %d: a server has %d, from 0 to %d, unless it is told otherwise. "+
		"Add --databases %d here, and to the server's options", argument, db, cfg.Databases, cfg.Databases-1, db+1)}
}

// storeAt is how a command opens a directory as the server with its defaults would.
func storeAt(dir string, told io.Writer) (o store.Options, err error) {
	cfg, _, err := resp.LoadConfig([]string{"--dir", dir}, imageDefaults(os.Getenv)...)
	if err != nil {
		return o, err
	}
	o = storeOptions(cfg, resp.NewServer(cfg, zerolog.Nop(), nil), logger{})
	o.Hooks, o.Others = store.Hooks{}, nil
	o.Log = func(event string, err error, _ ...any) {
		if err != nil {
			fmt.Fprintf(told, "%s: %v\n", event, err)
		}
	}
	return o, nil
}

// look opens a directory from outside. bringIn says that what its journal holds is brought into the tables first, if no
// server has it open; otherwise what is missing is told of.
func (s *session) look(dir string, bringIn bool) (*store.Outside, error) {
	if isFile(dir) {
		return s.lookAtFile(dir, bringIn, false)
	}
	o, err := store.OpenOutside(dir, exportPatience)
	if err == nil && bringIn && o.Running {
		s.note("--recover does nothing here: a server has %s open, and brings what the journal has into the tables itself", dir)
	}
	if err != nil || o.Unapplied() == 0 && !o.Half {
		return o, err
	}
	if bringIn && !o.Running {
		if err := o.Close(); err != nil {
			return nil, err
		}
		options, err := storeAt(dir, s.errors)
		if err == nil {
			_, err = leaveRoot(dir, os.Getenv)
		}
		if err == nil {
			err = store.BringIn(options)
		}
		if err != nil {
			return nil, err
		}
		return store.OpenOutside(dir, exportPatience)
	}
	s.note("%s", missing(o, bringIn))
	return o, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// lookAtFile opens a backup from outside.
func (s *session) lookAtFile(file string, bringIn, foreign bool) (*store.Outside, error) {
	o, err := store.OpenOutsideFile(file, foreign)
	if err != nil {
		return nil, err
	}
	s.note("%s is a database file alone: no journal was looked at", file)
	if bringIn {
		s.note("--recover does nothing here")
	}
	if _, foreign := o.Alone(); foreign {
		s.note("the copy was made by another program: its pages' checksums are not compared")
	}
	return o, nil
}

// missing says what the tables lack.
func missing(o *store.Outside, bringIn bool) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d records of the journal are not in the tables yet, and not in what follows: ", o.Unapplied())
	switch {
	case o.Running:
		text.WriteString("the server brings them there within some seconds")
	case bringIn:
		text.WriteString("a server was started meanwhile")
	default:
		text.WriteString("the server was killed; its next start, or --recover here, brings them there")
	}
	return text.String()
}
