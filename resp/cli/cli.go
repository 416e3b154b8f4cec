package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"diskette/resp/cli/target"

	"github.com/mattn/go-isatty"
)

// version is of the redis-cli that Redis 7.2 clients expect; scripts parse it.
const version = "redis-cli 7.2.4 (diskette)"

// Main runs redis-cli with args, which exclude the program's name, and returns the exit
// status: 0, or 1 if the options are wrong, the server can not be reached or goes away, or, with
// -e, if it answers with an error.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, os.Getenv)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	switch {
	case o.version:
		fmt.Fprintln(stdout, version)
		return 0
	case o.help:
		fmt.Fprint(stdout, usage)
		return 0
	}
	for _, warning := range o.warnings {
		fmt.Fprintln(stderr, warning)
	}
	if o.PasswordShown && !o.quiet {
		fmt.Fprintln(stderr, "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.")
	}
	if o.askPassword {
		err = o.readPassword(stdin, stdout)
	}
	if err == nil {
		s := newSession(o, stdin, stdout, stderr)
		defer s.disconnect()
		err = s.main()
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNoServer) || errors.Is(err, errErrorReply): // printed
	default:
		var said errSaid
		if errors.As(err, &said) {
			fmt.Fprintln(stderr, said)
		} else {
			fmt.Fprintf(stderr, "Error: %s\n", target.Reason(err))
		}
	}
	return 1
}

// main runs the mode that the options ask for.
func (s *session) main() error {
	switch {
	case s.intrinsic != nil:
		return s.ownLatency(*s.intrinsic)
	case s.mode != nil:
		if err := s.connect(); err != nil {
			return err
		}
		return s.mode(s)
	case s.evalFile == "" && len(s.command) == 0:
		return s.runLines()
	}
	return s.runCommand()
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// runCommand runs the command line's command, or script, as often as asked.
func (s *session) runCommand() error {
	if s.evalFile == "" && isHelp(s.command[0]) {
		s.help(s.command[1:])
		return nil
	}
	if err := s.connect(); err != nil {
		return err
	}
	command, err := s.fullCommand()
	if err != nil {
		return err
	}
	return s.repeatedly(s.repeat, func() error { return s.run(command) })
}

func isHelp(word string) bool { return strings.EqualFold(word, "help") || word == "?" }

// repeatedly calls f n times, -1 = for ever, with the asked interval between.
func (s *session) repeatedly(n int, f func() error) error {
	for i := 0; n < 0 || i < n; i++ {
		if i > 0 {
			time.Sleep(s.interval)
		}
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
