package cli

import (
	"fmt"
	"strings"
)

const generalHelp = version + `
To get help about Redis commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "quit" to exit

To set redis-cli preferences:
      ":set hints" enable online hints
      ":set nohints" disable online hints
Set your preferences in ~/.redisclirc
`

// help prints what the server says of a command and its subcommands, or of the commands of an @group.
func (s *session) help(args []string) {
	if len(args) == 0 {
		fmt.Fprint(s.out, generalHelp)
		return
	}
	if s.conn == nil {
		if err := s.connect(); err != nil {
			return
		}
	}
	s.loadDocuments()
	if s.docs == nil {
		fmt.Fprintln(s.out, "The server does not describe its commands (COMMAND DOCS).")
		return
	}
	group, isGroup := strings.CutPrefix(args[0], "@")
	for _, c := range s.docs.commands {
		switch {
		case isGroup && strings.EqualFold(c.group, group):
			s.printDocument(c, false)
		case !isGroup && startsWith(c.words, args):
			s.printDocument(c, true)
		}
	}
	fmt.Fprint(s.out, "\r\n")
}

func (s *session) printDocument(c document, withGroup bool) {
	fmt.Fprintf(s.out, "\r\n  \x1b[1m%s\x1b[0m \x1b[90m%s\x1b[0m\r\n", c.name, c.params)
	fmt.Fprintf(s.out, "  \x1b[33msummary:\x1b[0m %s\r\n", c.summary)
	fmt.Fprintf(s.out, "  \x1b[33msince:\x1b[0m %s\r\n", c.since)
	if withGroup {
		fmt.Fprintf(s.out, "  \x1b[33mgroup:\x1b[0m %s\r\n", c.group)
	}
}

// startsWith tells whether words starts with the words of start, in either case.
func startsWith(words, start []string) bool {
	if len(start) > len(words) {
		return false
	}
	for i, word := range start {
		if !strings.EqualFold(words[i], word) {
			return false
		}
	}
	return true
}
