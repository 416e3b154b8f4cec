package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// fullCommand is the command line's command with what standard input and a script add to it.
func (s *session) fullCommand() ([]string, error) {
	command := s.command
	if s.quotedInput {
		unquoted, ok := unquoteAll(command)
		if !ok {
			fmt.Fprintln(s.out, "Invalid quoted string")
			return nil, errErrorReply
		}
		command = unquoted
	}
	if s.evalFile != "" {
		return s.evalCommand(command)
	}
	switch {
	case s.stdinArg:
		last, err := io.ReadAll(s.stdin)
		if err != nil {
			return nil, err
		}
		return append(command[:len(command):len(command)], string(last)), nil
	case s.stdinTag != "":
		for i, arg := range command {
			if arg == s.stdinTag {
				text, err := io.ReadAll(s.stdin)
				if err != nil {
					return nil, err
				}
				command = append([]string(nil), command...)
				command[i] = string(text)
				return command, nil
			}
		}
		return nil, errSaid("Using -X option but stdin tag not match.")
	}
	return command, nil
}

// unquoteAll decodes arguments that are quoted as splitLine's: each must be one word.
func unquoteAll(args []string) (unquoted []string, ok bool) {
	for _, arg := range args {
		words, ok := splitLine(arg)
		if !ok || len(words) != 1 {
			return nil, false
		}
		unquoted = append(unquoted, words[0])
	}
	return unquoted, true
}

// readPassword asks for the password, and sets it in place of any other.
func (o *options) readPassword(stdin io.Reader, stdout io.Writer) error {
	var password string
	if f, ok := stdin.(*os.File); ok && isTerminal(f) {
		state, err := term.MakeRaw(int(f.Fd())) // before it is asked for: nothing that is typed at once is shown
		if err != nil {
			return err
		}
		fmt.Fprint(stdout, "Please input password: ")
		password, err = readMasked(f, stdout)
		_ = term.Restore(int(f.Fd()), state)
		fmt.Fprintln(stdout)
		if err != nil {
			return err
		}
	} else {
		line, err := readInputLine(stdin)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		password = strings.TrimRight(line, "\r\n")
	}
	o.Password = &password
	return nil
}

// readMasked reads a line from a terminal in raw mode, and shows a star for each character.
func readMasked(in io.Reader, out io.Writer) (string, error) {
	const ctrlC, ctrlD, ctrlU, backspace, del = 3, 4, 21, '\b', 0x7f
	var typed []byte
	var b [1]byte
	erase := func() {
		_, n := utf8.DecodeLastRune(typed)
		typed = typed[:len(typed)-n]
		fmt.Fprint(out, "\b \b")
	}
	for {
		if n, err := in.Read(b[:]); n == 0 {
			return "", err
		}
		switch c := b[0]; c {
		case '\r', '\n':
			return string(typed), nil
		case ctrlC, ctrlD:
			return "", errSaid("No password was given.")
		case ctrlU:
			for len(typed) > 0 {
				erase()
			}
		case backspace, del:
			if len(typed) > 0 {
				erase()
			}
		default:
			typed = append(typed, c)
			if utf8.RuneStart(c) {
				fmt.Fprint(out, "*")
			}
		}
	}
}

// readInputLine reads a line byte by byte: what follows it stays in the input.
func readInputLine(in io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for {
		n, err := in.Read(b[:])
		if n == 1 {
			line = append(line, b[0])
		}
		if err != nil || n == 1 && b[0] == '\n' {
			return string(line), err
		}
	}
}
