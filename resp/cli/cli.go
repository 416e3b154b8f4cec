// Package cli is the small redis-cli of the container image: health checks, scripts and a
// look by hand need one where there is no other. Options, output and exit statuses are those
// of redis-cli 7.0 (recorded from it; the tests hold the recordings). It has no line editing,
// TLS, cluster or statistics modes; an option that it lacks is refused.
//
//	cli.go          Main: one command, or lines from standard input
//	options.go      the command line
//	session.go      connect, ask, print
//	reply.go        RESP2 and RESP3 in
//	format.go       replies for terminals and for pipes
//	line.go         a typed line to arguments
//	pipe.go scan.go --pipe and --scan
package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

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
	if o.passwordShown && !o.quiet {
		fmt.Fprintln(stderr, "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.")
	}
	s := &session{options: o, out: stdout, err: stderr, pretty: isTerminal(stdout), showPushes: isTerminal(stdout)}
	if o.pretty != nil {
		s.pretty = *o.pretty
	}
	if o.showPushes != nil {
		s.showPushes = *o.showPushes
	}
	defer s.disconnect()
	switch {
	case o.pipe:
		err = s.pipeAll(stdin)
	case o.scan:
		err = s.scanAll()
	case len(o.command) == 0:
		err = s.runLines(stdin, isTerminal(stdin))
	default:
		err = s.runCommand(stdin)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNoServer) || errors.Is(err, errErrorReply): // printed
	default:
		fmt.Fprintf(stderr, "Error: %s\n", reason(err))
	}
	return 1
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// runCommand runs the command line's command as often as asked.
func (s *session) runCommand(stdin io.Reader) error {
	command := s.command
	if strings.EqualFold(command[0], "help") || command[0] == "?" {
		fmt.Fprint(s.out, lineHelp)
		return nil
	}
	if s.stdinArg {
		last, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		command = append(command, string(last))
	}
	if err := s.connect(); err != nil {
		return err
	}
	return s.repeatedly(s.repeat, func() error { return s.run(command) })
}

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

// runLines runs a command a line until the input ends or says quit. A lost server is
// reported and tried again at the next line, and does not end it, as in redis-cli.
func (s *session) runLines(stdin io.Reader, prompt bool) error {
	_ = s.connect() // what failed is printed; the first line tries again
	in := bufio.NewReader(stdin)
	for {
		if prompt {
			fmt.Fprint(s.out, s.prompt())
		}
		line, readErr := in.ReadString('\n')
		if readErr != nil && readErr != io.EOF {
			return readErr
		}
		quit, err := s.runLine(line)
		if quit || err != nil {
			return err
		}
		if readErr == io.EOF {
			if prompt {
				fmt.Fprintln(s.out)
			}
			return nil
		}
	}
}

// runLine obeys one line: a word for redis-cli itself, or a command for the server. A lost
// server is printed and no error.
func (s *session) runLine(line string) (quit bool, err error) {
	args, ok := splitLine(line)
	if !ok {
		fmt.Fprintln(s.out, "Invalid argument(s)")
		return false, nil
	}
	if len(args) == 0 {
		return false, nil
	}
	switch word := strings.ToLower(args[0]); {
	case word == "quit" || word == "exit":
		return true, nil
	case word == "help" || word == "?":
		fmt.Fprint(s.out, lineHelp)
		return false, nil
	case word == "clear":
		fmt.Fprint(s.out, "\x1b[H\x1b[2J")
		return false, nil
	case word == "connect" && len(args) == 3:
		s.socket, s.host, s.port = "", args[1], args[2]
		_ = s.connect() // what failed is printed
		return false, nil
	}
	times := 1
	if n, err := strconv.Atoi(args[0]); err == nil && len(args) > 1 { // "5 ping"
		if n < 1 {
			fmt.Fprintln(s.out, "Invalid redis-cli repeat command option value.")
			return false, nil
		}
		times, args = n, args[1:]
	}
	start := time.Now()
	err = s.repeatedly(times, func() error { return s.runConnected(args) })
	if slow := 500 * time.Millisecond; s.pretty && time.Since(start) >= slow {
		fmt.Fprintf(s.out, "(%.2fs)\n", time.Since(start).Seconds())
	}
	switch {
	case err == nil || errors.Is(err, errNoServer):
		return false, nil
	case !isLost(err):
		return false, err
	}
	s.disconnect()
	fmt.Fprintf(s.err, "Error: %s\n", reason(err))
	return false, nil
}

// runConnected runs a command, on a new connection if the old one has been lost: a server
// closes those that idle longer than its timeout.
func (s *session) runConnected(command []string) error {
	fresh := s.conn == nil
	if fresh {
		if err := s.connect(); err != nil {
			return err
		}
	}
	err := s.run(command)
	if err == nil || fresh || !isLost(err) || isStream(command[0]) {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	return s.run(command)
}

// isLost reports whether an error means that the connection is gone.
func isLost(err error) bool {
	var broken *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &broken)
}

func (s *session) prompt() string {
	if s.conn == nil {
		return "not connected> "
	}
	text := s.where()
	if s.socket != "" {
		text = "redis " + text
	}
	if s.db != 0 {
		text += "[" + strconv.Itoa(s.db) + "]"
	}
	if s.inMulti {
		text += "(TX)"
	}
	return text + "> "
}

const lineHelp = version + `
Type a command as the server knows it, for example: SET key "a value"
      "5 PING"              run it five times
      "connect host port"   go to another server
      "quit"                to exit
`

const usage = version + `

Usage: redis-cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>        Server hostname (default: 127.0.0.1).
  -p <port>            Server port (default: 6379).
  -s <socket>          Server socket (overrides hostname and port).
  -a, --pass <pw>      Password. The environment variable REDISCLI_AUTH is safer.
  --user <username>    User of the password.
  -u <uri>             redis://[[user]:password@]host[:port][/db]
  -n <db>              Database number.
  -2, -3               RESP2 (default) or RESP3.
  -r <repeat>          Run the command N times, -1 = for ever.
  -i <interval>        Seconds between repetitions, such as 0.1.
  -x                   Read the last argument from standard input.
  -d <delimiter>       Between the items of a raw reply (default: line's end).
  -D <delimiter>       After each raw reply (default: line's end).
  -e                   Exit with status 1 when a command fails.
  --raw, --no-raw      Raw replies (default when the output is no terminal), or not.
  --show-pushes <yn>   Show RESP3 push messages (default: on a terminal).
  --scan               List all keys; with --pattern <pat> those that match.
  --pipe               Send raw protocol from standard input.
  --pipe-timeout <n>   Seconds that --pipe waits for replies (default: 30, 0 = for ever).
  --no-auth-warning    No warning about a password on the command line.
  --help, --version

Without a command, commands are read from standard input, one a line.
`
